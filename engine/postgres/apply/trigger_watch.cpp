#include "engine/postgres/apply/trigger_watch.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/postgres/catalog/firing.h"
#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres::apply {
namespace {

constexpr const char* statement = "tributary_firing";

}  // namespace

const Subject TriggerWatch::tag{nullptr, "a look for triggers"};

void TriggerWatch::note(Table& table) {
  if (std::exchange(table.written_in, transaction_) != transaction_) written_.try_emplace(table.plan->name, table.name);
}

Result<void> TriggerWatch::look(const Until& until) {
  if (written_.empty()) return {};
  if (!is_prepared_) TRY(pipeline_->prepare(statement, firing_for_changes, {}, &tag, until));
  is_prepared_ = true;
  NameArrays names;
  for (const auto& [place, table] : written_) names.add(place);
  const std::string schemas = names.schemas();
  const std::string tables = names.names();
  const Parameter parameters[] = {{schemas}, {tables}};
  return pipeline_->execute(statement, parameters, 0, &tag, until);
}

Result<pipeline::StoppedTable> TriggerWatch::found(Connection& target, const Until& until) const {
  std::vector<model::Name> places;
  for (const auto& [place, table] : written_) places.push_back(place);
  const std::vector<Firing> firing = TRY(read_firing(target, places, Writing::changes, until));
  const auto stopped = firing.empty() ? written_.end() : written_.find(firing.front().table);
  if (stopped != written_.end()) return pipeline::StoppedTable{stopped->second, reason_of(firing.front())};
  return Error{Fault::transient, "triggers of the target's tables have changed meanwhile"};
}

void TriggerWatch::forget_transaction() {
  written_.clear();
  ++transaction_;
}

}  // namespace tributary::postgres::apply
