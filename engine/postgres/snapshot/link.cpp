#include "engine/postgres/snapshot/link.h"

#include "engine/postgres/copy/copy_format.h"
#include "engine/postgres/copy/large_objects.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/postgres/roles/roles.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t objects_at_once = 500;

}  // namespace

// Roles that are new change what the target can be given.
Result<std::vector<api::Finding>> Link::copy_roles(const Until& until) {
  std::vector<api::Finding> findings = TRY(postgres::copy_roles(source_->coordinator(), target_->control(), until));
  traits_ = TRY(read_target_traits(target_->control(), until));
  source_->expect(traits_);
  database_ = TRY(database_statements(source_->coordinator(), traits_, database_.name, until));
  return findings;
}

Result<void> Link::agree_on_formats(std::vector<model::Table>& tables, const Until& until) {
  const Result<Shapes> target = read_shapes(target_->control(), until);
  if (!target) return target.error();
  for (model::Table& table : tables) table.format = choose_format(table, source_->shapes(), *target);
  return {};
}

// The target drops all it copied of them before each attempt, so an object of the ledger is one of this snapshot.
Result<std::vector<api::Finding>> Link::copy_objects(const std::function<void()>& moved, const Until& until) {
  std::vector<api::Finding> findings;
  if (!whole_ && !TRY(source_->refers_to_large_objects(until))) return findings;
  std::vector<std::uint32_t> some = TRY(list_large_objects(source_->coordinator(), 0, objects_at_once, until));
  if (some.empty()) return findings;
  Connection from = TRY(source_->join_snapshot("objects", until));
  Connection to = TRY(target_->session("objects", until));
  RoleGaps gaps;
  while (!some.empty()) {
    TRY(to.execute("BEGIN", until));
    TRY(copy_large_objects(from, to, traits_, some, gaps, moved, until));
    TRY(record_objects(to, target_->owner(), some, until));
    TRY(to.execute("COMMIT", until));
    TRY(source_->watch(until));
    some = TRY(list_large_objects(from, some.back(), objects_at_once, until));
  }
  for (const auto& [role, count] : gaps.grants) findings.push_back(grants_left_out(role, count, "large objects"));
  for (const auto& [owner, count] : gaps.owners)
    findings.push_back(owner_not_set(owner, count, "large object", traits_));
  return findings;
}

Result<std::vector<api::Finding>> Link::describe_database(const Until& until) {
  if (!TRY(is_undescribed(target_->control(), until))) return std::vector<api::Finding>{};
  return postgres::describe_database(target_->control(), database_, until);
}

}  // namespace tributary::postgres
