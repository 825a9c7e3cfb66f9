#include "engine/postgres/verify/surroundings.h"

#include <algorithm>
#include <utility>

#include "engine/base/pause.h"
#include "engine/base/text.h"
#include "engine/postgres/structure/structure.h"
#include "engine/postgres/verify/repair.h"

namespace tributary::postgres::verify {
namespace {

using structure::SequenceDifference;

constexpr Milliseconds look_again{2'000};
constexpr const char* unreadable = "may not be read";

api::ObjectDifference told(const SequenceDifference& sequence, const std::string& database) {
  using Kind = SequenceDifference::Kind;
  const bool is_same = sequence.source && sequence.source == sequence.target;
  const auto value = [&](const std::optional<std::int64_t>& of, bool is_called) {
    if (!of) return std::string(unreadable);
    return std::to_string(*of) + (!is_same ? "" : is_called ? ", given out" : ", not given out yet");
  };
  const bool is_denied = sequence.kind == Kind::source_denied || sequence.kind == Kind::target_denied;
  return {database, is_denied ? "unreadable sequence" : "sequence", model::display(sequence.name),
          value(sequence.source, sequence.source_is_called),
          sequence.kind == Kind::missing ? "" : value(sequence.target, sequence.target_is_called)};
}

// Whether the target has come by now to what the source had given out before.
bool has_caught_up(const SequenceDifference& before, const std::vector<SequenceDifference>& now) {
  const auto still =
      std::find_if(now.begin(), now.end(), [&](const SequenceDifference& each) { return each.name == before.name; });
  if (still == now.end()) return true;
  if (!before.source || !before.target || !still->target) return false;
  if (*still->target == *before.source) return still->target_is_called;
  return *before.source >= *before.target ? *still->target > *before.source : *still->target < *before.source;
}

}  // namespace

Result<std::vector<api::ObjectDifference>> compare_structure(const ComparisonOptions& options,
                                                             const std::vector<model::Name>& tables,
                                                             const Until& until) {
  Sessions sessions = TRY(open_sessions(options.ends, until));
  const structure::Structure source = TRY(structure::read_structure(sessions.source, tables, options.whole, until));
  const structure::Structure target = TRY(structure::read_structure(sessions.target, tables, options.whole, until));
  std::vector<api::ObjectDifference> differences;
  for (structure::Difference& each : structure::compare(source, target))
    differences.push_back({options.database, std::move(each.kind), std::move(each.object), std::move(each.source),
                           std::move(each.target)});
  return differences;
}

Result<std::vector<SequenceDifference>> SequenceComparison::look(const Until& until) {
  if (!sessions_) sessions_.emplace(TRY(open_sessions(options_.ends, until)));
  auto differences = structure::compare_sequences(sessions_->source, sessions_->target, tables_, options_.whole, until);
  if (!differences) sessions_.reset();
  return differences;
}

Result<void> SequenceComparison::begin(const Until& until) {
  behind_ = TRY(look(until));
  return {};
}

Result<std::vector<api::ObjectDifference>> SequenceComparison::finish(const Until& until) {
  const Deadline enough = Deadline::after(options_.key.empty() ? Milliseconds{0} : options_.sequences_carried);
  while (!behind_.empty() && !enough.passed()) {
    const std::vector<SequenceDifference> now = TRY(look(until));
    std::erase_if(behind_, [&](const SequenceDifference& each) { return has_caught_up(each, now); });
    if (!behind_.empty() && !pause_for(look_again, until.stop))
      return Error{Fault::cancelled, "stopped while sequences were compared"};
  }
  std::vector<api::ObjectDifference> differences;
  for (const SequenceDifference& each : behind_) {
    differences.push_back(told(each, options_.database));
    const bool is_behind = each.kind == SequenceDifference::Kind::behind && each.source;
    if (!options_.repair) continue;
    if (is_behind)
      TRY(options_.repair(set_sequence(each.name, *each.source)));
    else
      TRY(options_.repair({RepairPart::remark, one_line("sequence " + model::display(each.name) +
                                                        " is not mended: " + differences.back().kind)}));
  }
  return differences;
}

}  // namespace tributary::postgres::verify
