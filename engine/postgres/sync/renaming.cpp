#include "engine/postgres/sync/renaming.h"

#include <algorithm>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres::sync {
namespace {

std::string word_between(const Renaming& renaming) {
  return "tributary " + std::to_string(renaming.id);
}

std::string rename(const model::Name& table, const std::string& name) {
  return "ALTER TABLE " + quote_name(table) + " RENAME TO " + quote_identifier(name);
}

std::string move(const model::Name& table, const std::string& schema) {
  return "ALTER TABLE " + quote_name(table) + " SET SCHEMA " + quote_identifier(schema);
}

std::vector<std::string> alone(const Renaming& renaming) {
  std::vector<std::string> statements;
  const auto& [id, from, to] = renaming;
  if (from.schema != to.schema) statements.push_back(move(from, to.schema));
  if (from.name != to.name) statements.push_back(rename({to.schema, from.name}, to.name));
  return statements;
}

std::vector<std::string> within_schemas(const std::vector<Renaming>& group) {
  std::vector<std::string> statements;
  for (const Renaming& each : group) statements.push_back(rename(each.from, word_between(each)));
  for (const Renaming& each : group) statements.push_back(rename(name_between(each), each.to.name));
  return statements;
}

std::vector<std::string> between_schemas(const std::vector<Renaming>& group) {
  std::vector<std::string> statements;
  for (const Renaming& each : group) {
    const std::string schema = word_between(each);
    statements.push_back("CREATE SCHEMA " + quote_identifier(schema));
    statements.push_back(move(each.from, schema));
    if (each.from.name != each.to.name) statements.push_back(rename({schema, each.from.name}, each.to.name));
  }
  for (const Renaming& each : group) {
    const std::string schema = word_between(each);
    statements.push_back(move({schema, each.to.name}, each.to.schema));
    statements.push_back("DROP SCHEMA " + quote_identifier(schema));
  }
  return statements;
}

}  // namespace

model::Name name_between(const Renaming& renaming) {
  return {renaming.from.schema, word_between(renaming)};
}

std::vector<std::vector<std::size_t>> grouped(const std::vector<Renaming>& all) {
  std::vector<std::size_t> group_of(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) group_of[i] = i;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto holder =
        std::find_if(all.begin(), all.end(), [&](const Renaming& each) { return each.from == all[i].to; });
    if (holder == all.end()) continue;
    const std::size_t joined = group_of[static_cast<std::size_t>(holder - all.begin())];
    std::replace(group_of.begin(), group_of.end(), joined, std::size_t{group_of[i]});
  }
  std::vector<std::vector<std::size_t>> groups(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) groups[group_of[i]].push_back(i);
  std::erase_if(groups, [](const auto& group) { return group.empty(); });
  return groups;
}

std::vector<std::string> renaming_statements(const std::vector<Renaming>& group) {
  if (group.size() == 1) return alone(group.front());
  const bool stays =
      std::all_of(group.begin(), group.end(), [](const Renaming& each) { return each.from.schema == each.to.schema; });
  return stays ? within_schemas(group) : between_schemas(group);
}

}  // namespace tributary::postgres::sync
