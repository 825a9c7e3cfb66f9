#include "engine/postgres/sync/table_standing.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "engine/base/text.h"
#include "engine/pipeline/selection.h"
#include "engine/postgres/ledger/shape_ledger.h"

namespace tributary::postgres::sync {
namespace {

using State = FollowedTable::State;

constexpr std::size_t most_named = 50;
constexpr std::size_t most_reasons = 20;
constexpr std::size_t longest_reason = 1000;

std::string reason_of(const FollowedTable& table) {
  return first_bytes(one_line(table.reason), longest_reason, "...");
}

enum class Told { stopped, recopy, not_streamed, dropped };

const char* word_of(Told told) {
  switch (told) {
    case Told::stopped:
      return "stopped";
    case Told::recopy:
      return "recopy";
    case Told::not_streamed:
      return "not_streamed";
    case Told::dropped:
      return "dropped";
  }
  std::abort();
}

// A table that is only refreshed was never followed, and nothing is missing in one that the source has dropped.
Told told_of(const FollowedTable& table) {
  if (table.state == State::stopped) return is_dropped(table) ? Told::dropped : Told::stopped;
  return table.state == State::recopy && table.reason != due_for_refresh ? Told::recopy : Told::not_streamed;
}

api::TablesAside aside_of(const std::vector<FollowedTable>& tables) {
  api::TablesAside aside;
  for (const FollowedTable& table : tables) {
    aside.stopped += told_of(table) == Told::stopped ? 1U : 0U;
    aside.recopy += told_of(table) == Told::recopy ? 1U : 0U;
    aside.not_streamed += told_of(table) == Told::not_streamed ? 1U : 0U;
  }
  for (const Told told : {Told::stopped, Told::recopy, Told::not_streamed, Told::dropped}) {
    for (const FollowedTable& table : tables) {
      if (told_of(table) == told && aside.tables.size() < most_named)
        aside.tables.push_back({model::display(table.name), word_of(told), reason_of(table)});
    }
  }
  return aside;
}

}  // namespace

TablesAbove tables_above(const std::vector<CatalogTable>& tables) {
  TablesAbove above;
  for (const CatalogTable& each : tables)
    if (!each.partition_of.empty()) above.emplace(each.table.id, each.partition_of);
  return above;
}

Result<std::vector<pipeline::AskedTable>> named_tables(const std::vector<std::string>& entries,
                                                       const std::string& database,
                                                       const std::vector<FollowedTable>& tables,
                                                       const TablesAbove& above) {
  std::vector<pipeline::AskedTable> named;
  std::set<model::Name> known;
  for (const std::string& entry : entries) {
    const auto pattern = TRY(pipeline::NamePattern::parse(entry, pipeline::NamePattern::Kind::table));
    const auto matches = [&](const model::Name& name) { return pattern.matches(database, name); };
    bool is_known = false;
    for (const FollowedTable& each : tables) {
      const auto over = above.find(each.id);
      const bool is_named =
          matches(each.name) || (over != above.end() && std::any_of(over->second.begin(), over->second.end(), matches));
      if (!is_named || (pattern.has_wildcard() && is_dropped(each))) continue;
      is_known = true;
      if (known.insert(each.name).second) named.push_back({each.name, each.id});
    }
    if (!is_known && pattern.matches_database(database))
      return Error{Fault::invalid, "'" + entry + "' is no table of this replication",
                   "name tables like db.schema.table; tributary status lists those that need it"};
  }
  return named;
}

NamedRequest request_named_by(const api::RecopyOptions& options, const std::string& database,
                              const std::vector<FollowedTable>& tables, const TablesAbove& above) {
  NamedRequest request{.id = options.request_id};
  std::set<model::Name> known;
  for (const std::string& entry : options.tables) {
    const Result<std::vector<pipeline::AskedTable>> named = named_tables({entry}, database, tables, above);
    if (!named || named->empty()) {
      request.unknown.push_back(entry);
      continue;
    }
    for (const pipeline::AskedTable& each : *named)
      if (known.insert(each.name).second) request.tables.push_back(each);
  }
  return request;
}

std::vector<std::string> misspelt(const NamedRequest& request, const std::string& database) {
  std::vector<std::string> entries;
  for (const std::string& entry : request.unknown)
    if (entry.starts_with(database + ".")) entries.push_back(entry);
  return entries;
}

// By its id where that is known: names come and go, and may be another table's by now.
pipeline::RequestStanding standing_of(const NamedRequest& request, const std::vector<FollowedTable>& tables) {
  pipeline::RequestStanding standing{.request_id = request.id, .tables = request.tables.size()};
  standing.unknown = request.unknown;
  std::set<std::uint32_t> ids;
  std::set<model::Name> names;
  for (const pipeline::AskedTable& each : request.tables) {
    if (each.id != 0) ids.insert(each.id);
    if (each.id == 0) names.insert(each.name);
  }
  for (const FollowedTable& table : tables) {
    if (ids.count(table.id) == 0 && names.count(table.name) == 0) continue;
    if (table.state == State::recopy) ++standing.waiting;
    if (table.state != State::stopped) continue;
    ++standing.stopped;
    if (standing.reasons.size() < most_reasons)
      standing.reasons.push_back(model::display(table.name) + ": " + reason_of(table));
  }
  return standing;
}

pipeline::TableStanding standing_of(const std::vector<FollowedTable>& tables, const NamedRequest& request) {
  pipeline::TableStanding standing{.aside = aside_of(tables)};
  if (!request.id.empty()) standing.request = standing_of(request, tables);
  return standing;
}

}  // namespace tributary::postgres::sync
