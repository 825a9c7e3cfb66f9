#pragma once

#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/change.h"
#include "engine/postgres/apply/table.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/stream_ledger.h"

namespace tributary::postgres::apply {

// Whether a change has a value for each column of its table.
bool fits_its_table(const model::Event& event);

// The tables that changes come for, by the log's latest description of each.
class Tables {
 public:
  explicit Tables(const std::vector<FollowedTable>& followed);

  // The one that this description, which stays where it is until the next begin_batch(), was last said to be; null
  // where it is not known.
  Table* find(const model::LogTable& log);
  void begin_batch() { places_.clear(); }
  // Whether another description of the same table is known.
  bool has(std::uint32_t id) const { return tables_.count(id) != 0; }
  // After find() gave null. What an earlier description of the same table led to is gone then.
  Table& describe(const model::LogTable& log);

  // Reads the target's table. Fault::differs, with a sentence, where the changes do not fit it.
  Result<void> make_plan(Table& table, Connection& target, const Until& until);

  // All that have their rows in one table of the target, whether they are followed or not.
  std::set<model::Name> on_route(const model::Name& route) const;

  // The statements are gone from the session.
  void forget_statements();
  // No change of the table counts any more.
  void stop(const model::Name& name);

 private:
  const FollowedTable* followed(const model::LogTable& log) const;

  std::map<model::Name, FollowedTable> followed_;
  std::map<model::Name, std::set<model::Name>> routes_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Table>> tables_;
  std::unordered_map<const model::LogTable*, Table*> places_;
  std::set<model::Name> quiet_;  // tables of the target on which nothing fired when the first plan for them was made
};

}  // namespace tributary::postgres::apply
