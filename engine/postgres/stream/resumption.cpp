#include "engine/postgres/stream/resumption.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace tributary::postgres::stream {
namespace {

Error another_log(const std::string& how) {
  return {Fault::lost, "the source's log is not the one that the target's changes came from: " + how,
          "the source was set back to an older copy of its files and has gone on from there: take a new snapshot"};
}

}  // namespace

Resumption::Resumption(const pipeline::StreamPosition& ledger, model::Lsn confirmed)
    : ledger_(ledger),
      confirmed_(confirmed),
      is_proven_(confirmed >= ledger.applied),
      is_shown_(!ledger.witness.time || confirmed > ledger.witness.lsn) {}

model::Lsn Resumption::start() const {
  return is_proven_ ? ledger_.applied : std::max(confirmed_, ledger_.witness.lsn);
}

Result<bool> Resumption::take(const model::Event& event) {
  using Kind = model::Event::Kind;
  const pipeline::Witness& witness = ledger_.witness;
  switch (event.kind) {
    case Kind::begin:
      transaction_ = event.lsn;
      if (event.lsn >= ledger_.applied) TRY(conclude());
      break;
    case Kind::insert:
    case Kind::update:
    case Kind::remove:
    case Kind::truncate:
      if (!is_proven_ && transaction_ >= witness.end)
        return another_log("it has a transaction at " + to_string(transaction_) + " that the target, which is at " +
                           to_string(ledger_.applied) + ", never got");
      break;
    case Kind::commit:
      if (event.lsn == witness.lsn && event.end == witness.end && event.time == witness.time) is_shown_ = true;
      break;
    case Kind::idle:
      TRY(reach(event.end));
  }
  return is_proven_;
}

Result<void> Resumption::reach(model::Lsn end) {
  if (!is_proven_ && end >= ledger_.applied) TRY(conclude());
  return {};
}

Result<void> Resumption::conclude() {
  const pipeline::Witness& witness = ledger_.witness;
  if (!is_shown_)
    return another_log("it has not the transaction of " + (witness.time ? rfc3339(*witness.time) : "") + " at " +
                       to_string(witness.lsn) + ", which the target has");
  is_proven_ = true;
  return {};
}

}  // namespace tributary::postgres::stream
