#include "engine/postgres/verify/subjects.h"

#include <map>

namespace tributary::postgres::verify {
namespace {

bool is_selected(const CatalogTable& table, const Selects& selects) {
  return selects(table.table.name, table.partition_of);
}

std::string why_not(const CatalogTable& table) {
  if (!table.may_select) return "the role of the source may not read it";
  if (!table.copy_filter.empty()) return "extension " + table.extension + " owns some of its rows";
  return "";
}

}  // namespace

std::vector<Subject> subjects_of(const std::vector<CatalogTable>& tables, const Selects& selects,
                                 const std::set<model::Name>& on_target) {
  std::set<model::Name> torn;  // of which some partition is not selected
  for (const CatalogTable& table : tables)
    if (!is_selected(table, selects)) torn.insert(table.partition_of.begin(), table.partition_of.end());
  std::vector<Subject> subjects;
  std::map<model::Name, std::size_t> places;
  for (const CatalogTable& table : tables) {
    if (!is_selected(table, selects)) continue;
    model::Name name = table.table.name;
    for (const model::Name& above : table.partition_of)
      if (torn.count(above) == 0 && on_target.count(above) != 0) name = above;
    const auto [place, is_new] = places.try_emplace(name, subjects.size());
    if (is_new) subjects.push_back({name, {}});
    Subject& subject = subjects[place->second];
    subject.tables.push_back(table.table.name);
    if (subject.not_comparable.empty()) subject.not_comparable = why_not(table);
  }
  return subjects;
}

std::vector<model::Name> names_of(const std::vector<CatalogTable>& tables) {
  std::set<model::Name> names;
  for (const CatalogTable& table : tables) {
    names.insert(table.table.name);
    names.insert(table.partition_of.begin(), table.partition_of.end());
  }
  return {names.begin(), names.end()};
}

}  // namespace tributary::postgres::verify
