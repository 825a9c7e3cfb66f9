#include "engine/postgres/apply/trigger_watch.h"

#include <string>
#include <utility>

#include "engine/postgres/catalog/firing.h"
#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres::apply {
namespace {

constexpr const char* statement = "tributary_firing";

}  // namespace

const Subject TriggerWatch::tag{nullptr, "a look for triggers"};

void TriggerWatch::note(Table& table) {
  if (std::exchange(table.written_in, transaction_) != transaction_) written_.push_back({table.name, table.plan->name});
}

// Many tables may have their rows in one.
std::set<model::Name> TriggerWatch::places() const {
  std::set<model::Name> places;
  for (const Written& each : written_) places.insert(each.place);
  return places;
}

Result<void> TriggerWatch::look(const Until& until) {
  if (written_.empty()) return {};
  if (!is_prepared_) TRY(pipeline_->prepare(statement, firing_for_changes, {}, &tag, until));
  is_prepared_ = true;
  NameArrays names;
  for (const model::Name& each : places()) names.add(each);
  const std::string schemas = names.schemas();
  const std::string tables = names.names();
  const Parameter parameters[] = {{schemas}, {tables}};
  return pipeline_->execute(statement, parameters, 0, &tag, until);
}

Result<pipeline::StoppedTable> TriggerWatch::found(Connection& target, const Until& until) const {
  const std::set<model::Name> places = this->places();
  const std::vector<Firing> firing = TRY(read_firing(target, {places.begin(), places.end()}, Writing::changes, until));
  for (const Written& each : written_)
    if (!firing.empty() && each.place == firing.front().table)
      return pipeline::StoppedTable{each.table, reason_of(firing.front())};
  return Error{Fault::transient, "triggers of the target's tables have changed meanwhile"};
}

void TriggerWatch::forget_transaction() {
  written_.clear();
  ++transaction_;
}

}  // namespace tributary::postgres::apply
