#include "engine/postgres/pgoutput/assembler.h"

#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

// What may follow what:
//
//   connection    (transaction | run | StreamCommit | StreamAbort | logical message without a transaction)*
//   transaction   Begin change* Commit
//   run           StreamStart change* StreamStop
//   change        Origin | Relation | Type | Insert | Update | Delete | Truncate | logical message
namespace tributary::postgres::pgoutput {
namespace {

using model::Event;

template <class Kind>
bool is(const Message& message) {
  return std::holds_alternative<Kind>(message.body);
}

bool changes(const Message& message) {
  return is<Origin>(message) || is<Relation>(message) || is<Type>(message) || is<Insert>(message) ||
         is<Update>(message) || is<Delete>(message) || is<Truncate>(message) || is<LogicalMessage>(message);
}

bool stands_alone(const Message& message) {
  const auto* const logical = std::get_if<LogicalMessage>(&message.body);
  return logical != nullptr && !logical->transactional;
}

Error out_of_place(const Message& message, const char* where) {
  return Error{Fault::failed, std::string("a message of pgoutput out of place: ") + name_of(message) + " " + where};
}

}  // namespace

Result<void> Assembler::take(std::span<const std::byte> bytes, model::Batch& batch) {
  if (replay_) std::abort();
  ++arrival_;
  const Message message = TRY(decode(bytes, streaming_ != 0));
  if (streaming_ != 0) return keep(message, bytes);
  TRY(check_place(message));
  if (changes(message)) return changes_.add(message, arrival_, batch);
  return control(message, batch);
}

// An origin has no transaction of its own and says nothing that is used.
Result<void> Assembler::keep(const Message& message, std::span<const std::byte> bytes) {
  if (is<StreamStop>(message)) {
    streaming_ = 0;
    return {};
  }
  if (is<Origin>(message)) return {};
  if (!changes(message)) return out_of_place(message, "inside a stream");
  return spool_.append(streaming_, message.transaction, arrival_, bytes);
}

Result<void> Assembler::check_place(const Message& message) const {
  if (stands_alone(message)) return {};
  const bool inside = changes(message) || is<Commit>(message);
  if (open_ && !inside) return out_of_place(message, "inside a transaction");
  if (!open_ && inside) return out_of_place(message, "outside a transaction");
  if (is<StreamStop>(message)) return out_of_place(message, "outside a stream");
  return {};
}

Result<void> Assembler::control(const Message& message, model::Batch& batch) {
  if (const auto* opened = std::get_if<Begin>(&message.body)) {
    open_ = *opened;
    return begin(*opened, batch);
  }
  if (const auto* commit = std::get_if<Commit>(&message.body)) {
    if (commit->lsn == open_->final_lsn) {
      open_.reset();
      return end(*commit, batch);
    }
    return Error{Fault::failed, "a transaction that began with the final LSN " + to_string(open_->final_lsn) +
                                    " commits at " + to_string(commit->lsn)};
  }
  if (const auto* start = std::get_if<StreamStart>(&message.body)) {
    TRY(spool_.begin(start->transaction, start->first));
    streaming_ = start->transaction;
  } else if (const auto* aborted = std::get_if<StreamAbort>(&message.body)) {
    return spool_.abort(aborted->transaction, aborted->subtransaction);
  } else if (const auto* committed = std::get_if<StreamCommit>(&message.body)) {
    replay_.emplace(Replay{TRY(spool_.commit(committed->transaction)), committed->commit});
    changes_.relations().begin_streamed();
    return begin({committed->commit.lsn, committed->commit.time, committed->transaction}, batch);
  }
  return {};
}

Result<void> Assembler::begin(const Begin& transaction, model::Batch& batch) {
  if (transaction.final_lsn < reached_) {
    return Error{Fault::failed, "a transaction that commits at " + to_string(transaction.final_lsn) +
                                    " comes behind one that ended at " + to_string(reached_)};
  }
  Event event;
  event.kind = Event::Kind::begin;
  event.lsn = transaction.final_lsn;
  event.time = transaction.time;
  event.transaction = transaction.transaction;
  batch.add(event);
  return {};
}

Result<void> Assembler::end(const Commit& commit, model::Batch& batch) {
  reached_ = commit.end;
  Event event;
  event.kind = Event::Kind::commit;
  event.lsn = commit.lsn;
  event.end = commit.end;
  event.time = commit.time;
  batch.add(event);
  return {};
}

Result<bool> Assembler::replay(model::Batch& batch, std::size_t byte_limit) {
  if (!replay_) std::abort();
  do {
    const std::optional<SpooledMessage> spooled = TRY(replay_->transaction.next());
    if (!spooled) {
      TRY(end(replay_->commit, batch));
      changes_.relations().end_streamed();
      replay_.reset();
      return false;
    }
    const Message message = TRY(decode(spooled->bytes, true));
    TRY(changes_.add(message, spooled->arrival, batch));
  } while (batch.bytes() < byte_limit);
  return true;
}

}  // namespace tributary::postgres::pgoutput
