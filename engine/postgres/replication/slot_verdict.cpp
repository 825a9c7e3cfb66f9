#include "engine/postgres/replication/slot_verdict.h"

#include <algorithm>
#include <array>

namespace tributary::postgres {
namespace {

struct Reason {
  const char* word;
  const char* cause;
  const char* hint;
};
constexpr std::array<Reason, 4> reasons{{
    {"wal_removed", "the source has removed WAL that the stream still needed",
     "take a new snapshot; raise max_slot_wal_keep_size on the source"},
    {"rows_removed", "the source has removed rows of its catalog that the stream still needed",
     "take a new snapshot; turn hot_standby_feedback on where the source is a standby"},
    {"wal_level_insufficient", "the source's primary has written WAL without what logical decoding needs",
     "set wal_level = logical there and take a new snapshot"},
    {"idle_timeout", "nobody streamed from it for longer than idle_replication_slot_timeout of the source",
     "take a new snapshot; raise idle_replication_slot_timeout on the source"},
}};

Error lost(std::string what, std::string hint = "take a new snapshot") {
  return Error{Fault::lost, std::move(what), std::move(hint)};
}

Result<void> judge_validity(const std::string& name, const SlotState& slot) {
  const bool invalid = !slot.invalidation_reason.empty() || slot.wal_status == "lost" || slot.restart == model::Lsn{};
  if (!invalid) return {};
  // Before 17 a slot says only that it is lost: by its limit of WAL, for all other reasons are those of a standby.
  const std::string word = slot.invalidation_reason.empty() ? "wal_removed" : slot.invalidation_reason;
  const auto* const reason =
      std::find_if(reasons.begin(), reasons.end(), [&](const Reason& each) { return each.word == word; });
  const std::string subject = "replication slot " + name + " was invalidated: ";
  if (reason == reasons.end()) return lost(subject + word);
  return lost(subject + reason->cause, reason->hint);
}

Result<void> judge_timeline(const LedgerMark& ledger, const SourceMark& source) {
  const int now = source.system.timeline;
  if (ledger.timeline == 0 || now == ledger.timeline) return {};
  const std::string timelines =
      "the source is on timeline " + std::to_string(now) + ", and the target holds changes of timeline ";
  const std::string former = std::to_string(ledger.timeline);
  const auto left = std::find_if(source.history.begin(), source.history.end(),
                                 [&](const TimelineSwitch& each) { return each.timeline == ledger.timeline; });
  if (left == source.history.end()) return lost(timelines + former + ", which is no part of its history");
  if (left->end < ledger.applied)
    return lost(timelines + former + " up to " + to_string(ledger.applied) + ", which the source left at " +
                    to_string(left->end),
                "the fail-over lost transactions that the target has: take a new snapshot");
  return {};
}

Result<void> judge_positions(const LedgerMark& ledger, const SourceMark& source) {
  if (source.system.end < ledger.applied)
    return lost("the source's log ends at " + to_string(source.system.end) + ", below " + to_string(ledger.applied) +
                    ", up to where the target holds its changes",
                "the source was set back to an older state: take a new snapshot");
  if (source.slot->confirmed_flush > ledger.applied)
    return lost("replication slot " + ledger.slot + " has been confirmed up to " +
                    to_string(source.slot->confirmed_flush) + ", and the target holds changes only up to " +
                    to_string(ledger.applied) + ": those between are not sent any more",
                "the target was set back to an older state, or somebody else used the slot: take a new snapshot");
  return {};
}

}  // namespace

Result<void> judge_slot(const std::string& name, const std::optional<SlotState>& slot) {
  if (!slot)
    return lost("replication slot " + name + " does not exist on the source any more",
                "it was dropped, or a fail-over went to a server without it: take a new snapshot");
  return judge_validity(name, *slot);
}

Error own_publication_gone(const std::string& name) {
  return lost(
      "publication " + name + " does not exist any more on the source: what was written since cannot be decoded",
      "somebody dropped it: take a new snapshot, which makes it anew");
}

Error unpublished_changes(const std::string& words) {
  return lost("the source cannot decode changes that were written while a publication of the stream was not there" +
                  (words.empty() ? "" : ": " + words),
              "it was dropped, or made after the slot, and making it again does not help: take a new snapshot");
}

Result<void> judge(const LedgerMark& ledger, const SourceMark& source) {
  if (!ledger.system.empty() && source.system.system != ledger.system)
    return lost("the source is another system (" + source.system.system + ") than the one that was copied (" +
                    ledger.system + ")",
                "connect to the server that was copied, or take a new snapshot");
  TRY(judge_timeline(ledger, source));
  TRY(judge_slot(ledger.slot, source.slot));
  const SlotState& slot = *source.slot;
  if (slot.plugin != "pgoutput" || slot.database != ledger.database)
    return lost("replication slot " + ledger.slot + " is one of " + slot.plugin + " in database " + slot.database +
                ", not the stream's own");
  if (!ledger.own_publication.empty() && !source.has_publication) return own_publication_gone(ledger.own_publication);
  TRY(judge_positions(ledger, source));
  if (slot.active_pid != 0)
    return Error{Fault::transient,
                 "replication slot " + ledger.slot + " is in use by process " + std::to_string(slot.active_pid) +
                     " of the source",
                 "the server lets it go within a minute of the end of its session"};
  return {};
}

}  // namespace tributary::postgres
