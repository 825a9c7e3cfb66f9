#include "engine/postgres/pgoutput/testing/exercise.h"

#include <utility>

#include "engine/postgres/pgoutput/assembler.h"
#include "engine/postgres/pgoutput/testing/wire.h"

namespace tributary::postgres::pgoutput::wire {
namespace {

using model::Event;

std::size_t below(std::size_t limit, std::mt19937_64& random) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

void change_bytes(std::string& message, std::mt19937_64& random) {
  constexpr std::string_view telling("BCORYIUDTMSEcANKOtnub\0\x01\x02\x03\x7f\x80\xff", 28);
  const std::size_t at = below(message.size() + 1, random);
  switch (below(5, random)) {
    case 0:
      if (at < message.size()) message[at] = static_cast<char>(message[at] ^ (1 << below(8, random)));
      break;
    case 1:
      if (at < message.size()) message[at] = telling[below(telling.size(), random)];
      break;
    case 2:
      message.insert(at, 1 + below(8, random), telling[below(telling.size(), random)]);
      break;
    case 3:
      message.erase(at, 1 + below(8, random));
      break;
    default:
      message.resize(at);
  }
}

void change_order(std::vector<std::string>& messages, std::mt19937_64& random) {
  const std::size_t one = below(messages.size(), random);
  const std::size_t other = below(messages.size(), random);
  switch (below(4, random)) {
    case 0:
      std::swap(messages[one], messages[other]);
      break;
    case 1:
      messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(one), std::string(messages[other]));
      break;
    case 2:
      if (messages.size() > 1) messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(one));
      break;
    default:
      messages[one] = messages[one].substr(0, below(messages[one].size() + 1, random)) +
                      messages[other].substr(below(messages[other].size() + 1, random));
  }
}

std::optional<std::string> fault_of(model::Row row, const model::LogTable& table, bool old_row) {
  if (row.size() != table.columns.size()) return "a row that does not fit its table";
  std::size_t sum = 0;
  for (const model::Value& value : row) {
    if (value.kind != model::Value::Kind::text && !value.bytes.empty()) return "bytes of no text";
    if (value.kind == model::Value::Kind::unchanged && old_row) return "an unchanged value in an old row";
    for (const char letter : value.bytes) sum += letter == '\0' ? 1 : 0;
  }
  if (sum != 0) return "a NUL in a text";
  return std::nullopt;
}

// What a reader of the events counts on.
class Reader {
 public:
  std::optional<std::string> read(const model::Batch& batch) {
    for (const Event& event : batch.events()) {
      if (std::optional<std::string> fault = read(event)) return fault;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> read(const Event& event) {
    switch (event.kind) {
      case Event::Kind::begin:
        if (std::exchange(open_, true)) return "a begin in a transaction";
        if (event.lsn < reached_) return "a transaction below an earlier one";
        lsn_ = event.lsn;
        return std::nullopt;
      case Event::Kind::commit:
        if (!std::exchange(open_, false)) return "a commit outside a transaction";
        if (event.lsn != lsn_) return "a commit at another place than its begin says";
        reached_ = event.end;
        return std::nullopt;
      case Event::Kind::truncate:
        if (event.truncated.empty()) return "a truncate of nothing";
        for (const model::LogTable* table : event.truncated) bytes_ += table->name.name.size();
        break;
      case Event::Kind::insert:
      case Event::Kind::update:
        if (auto fault = fault_of(event.new_row, *event.table, false)) return fault;
        if (event.old_row.empty()) break;
        [[fallthrough]];
      case Event::Kind::remove:
        if (auto fault = fault_of(event.old_row, *event.table, true)) return fault;
        break;
      case Event::Kind::idle:
        return "an idle";
    }
    if (!open_) return "a change outside a transaction";
    return std::nullopt;
  }

  bool open_ = false;
  model::Lsn lsn_;
  model::Lsn reached_;
  std::size_t bytes_ = 0;
};

Result<void> give(const std::string& message, Assembler& assembler, Reader& reader, Exercise& seen) {
  {
    model::Batch batch;
    TRY(assembler.take(bytes(message), batch));
    seen.broken = reader.read(batch);
  }
  while (assembler.replaying() && !seen.broken) {
    model::Batch batch;
    TRY(assembler.replay(batch, 200));
    seen.broken = reader.read(batch);
  }
  return {};
}

}  // namespace

void mutate(std::vector<std::string>& messages, std::mt19937_64& random) {
  for (std::size_t left = 1 + below(4, random); left > 0; --left) {
    if (below(3, random) == 0) {
      change_order(messages, random);
    } else {
      change_bytes(messages[below(messages.size(), random)], random);
    }
  }
}

Exercise exercise(const std::vector<std::string>& messages, const std::string& directory) {
  Assembler assembler(Spool(directory, 40));
  Reader reader;
  Exercise seen;
  for (const std::string& message : messages) {
    const Result<void> taken = give(message, assembler, reader, seen);
    if (!taken.ok()) seen.refused = taken.error().what;
    if (seen.refused || seen.broken) break;
    ++seen.taken;
  }
  return seen;
}

}  // namespace tributary::postgres::pgoutput::wire
