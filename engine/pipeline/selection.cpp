#include "engine/pipeline/selection.h"

#include <algorithm>
#include <array>
#include <set>

#include "engine/base/glob.h"
#include "engine/base/nearest.h"

namespace tributary::pipeline {
namespace {

constexpr std::array<std::string_view, 5> provider_databases = {"rdsadmin", "cloudsqladmin", "alloydbadmin",
                                                                "azure_maintenance", "azure_sys"};
constexpr std::size_t longest_entry = 1024;

Error malformed(std::string_view entry, const std::string& why) {
  return Error{Fault::invalid, "selection entry '" + std::string(entry) + "': " + why,
               "write database.table or database.schema.table, with * as a wildcard and double quotes around a name "
               "that holds a dot"};
}

template <class Match>
bool any(const std::vector<NamePattern>& patterns, const Match& match) {
  return std::any_of(patterns.begin(), patterns.end(), match);
}

Result<std::vector<NamePattern>> parse_all(const std::vector<std::string>& entries, NamePattern::Kind kind) {
  std::vector<NamePattern> patterns;
  for (const std::string& entry : entries) patterns.push_back(TRY(NamePattern::parse(entry, kind)));
  return patterns;
}

Error both(const std::string& what) {
  return Error{Fault::invalid, what + " are both included and excluded", "give one of the two lists"};
}

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lowered;
}

bool matches(const NamePattern& entry, std::string_view database, const model::Name& table,
             std::span<const model::Name> partition_of) {
  return entry.matches(database, table) ||
         std::any_of(partition_of.begin(), partition_of.end(),
                     [&](const model::Name& root) { return entry.matches(database, root); });
}

bool matches_any(const NamePattern& entry, const std::vector<DatabaseTables>& tables) {
  return std::any_of(tables.begin(), tables.end(), [&](const DatabaseTables& held) {
    return std::any_of(held.tables.begin(), held.tables.end(), [&](const Candidate& table) {
      return matches(entry, held.database, table.name, table.partition_of);
    });
  });
}

// As a user may write them: without the schema where it is public.
std::string spelling(const std::string& database, const model::Name& table) {
  if (table.schema == "public") return model::display({database, table.name});
  std::string text = model::display({database, ""});
  text.resize(text.size() - std::string_view("\"\"").size());
  return text + display(table);
}

std::vector<std::string> spellings(const std::vector<DatabaseTables>& tables) {
  std::vector<std::string> names;
  for (const DatabaseTables& held : tables) {
    for (const Candidate& table : held.tables) names.push_back(spelling(held.database, table.name));
  }
  return names;
}

// Up to three of `names`, those that look most like `entry`, without regard to case.
std::vector<std::string> nearest(std::string_view entry, const std::vector<std::string>& names) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& name : names) {
    const std::size_t far = edit_distance(lower(entry.substr(0, 128)), lower(std::string_view(name).substr(0, 256)));
    if (far <= std::max<std::size_t>(2, entry.size() / 3)) ranked.emplace_back(far, name);
  }
  std::sort(ranked.begin(), ranked.end());
  if (ranked.size() > 3) ranked.resize(3);
  std::vector<std::string> near;
  for (auto& [far, name] : ranked) near.push_back(std::move(name));
  return near;
}

}  // namespace

bool is_provider_database(std::string_view database) {
  return std::find(provider_databases.begin(), provider_databases.end(), database) != provider_databases.end();
}

bool NamePattern::Part::wild() const {
  return !quoted && text.find('*') != std::string::npos;
}

bool NamePattern::Part::matches(std::string_view name) const {
  return quoted ? text == name : glob(text, name);
}

Result<NamePattern::Part> NamePattern::parse_part(std::string_view& rest, std::string_view whole, Kind kind) {
  Part part;
  if (!rest.empty() && rest[0] == '"') {
    part.quoted = true;
    std::size_t at = 1;
    for (;; ++at) {
      if (at >= rest.size()) return malformed(whole, "a double quote is not closed");
      if (rest[at] != '"') {
        part.text += rest[at];
      } else if (at + 1 < rest.size() && rest[at + 1] == '"') {
        part.text += rest[at++];
      } else {
        break;
      }
    }
    rest.remove_prefix(at + 1);
  } else {
    const std::size_t end = kind == Kind::table ? std::min(rest.find('.'), rest.size()) : rest.size();
    part.text = rest.substr(0, end);
    rest.remove_prefix(end);
    if (part.text.find('"') != std::string::npos) return malformed(whole, "a double quote inside a name");
  }
  if (part.text.empty()) return malformed(whole, "a name is empty");
  return part;
}

Result<NamePattern> NamePattern::parse(std::string_view text, Kind kind) {
  if (text.size() > longest_entry) return malformed(text.substr(0, 64), "is longer than any name");
  if (text.find('\0') != std::string_view::npos) return malformed("", "holds a NUL character");
  NamePattern pattern;
  pattern.text_ = text;
  std::string_view rest = text;
  for (;;) {
    pattern.parts_.push_back(TRY(parse_part(rest, text, kind)));
    if (rest.empty()) break;
    if (rest[0] != '.' || kind == Kind::database) return malformed(text, "text after a quoted name");
    rest.remove_prefix(1);
  }
  if (kind == Kind::database) return pattern;
  if (pattern.parts_.size() == 1) return malformed(text, "names no table");
  if (pattern.parts_.size() > 3) return malformed(text, "has more than three parts");
  if (pattern.parts_.size() == 2) pattern.parts_.insert(pattern.parts_.begin() + 1, Part{"public", true});
  return pattern;
}

bool NamePattern::matches_database(std::string_view database) const {
  return parts_[0].matches(database);
}

bool NamePattern::matches(std::string_view database, const model::Name& table) const {
  return parts_.size() == 3 && parts_[0].matches(database) && parts_[1].matches(table.schema) &&
         parts_[2].matches(table.name);
}

bool NamePattern::names_database(std::string_view database) const {
  return !parts_[0].wild() && parts_[0].text == database;
}

bool NamePattern::has_wildcard() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.wild(); });
}

Result<Selection> Selection::parse(const api::Selection& given) {
  if (!given.include_databases.empty() && !given.exclude_databases.empty()) return both("databases");
  if (!given.include_tables.empty() && !given.exclude_tables.empty()) return both("tables");
  Selection selection;
  selection.include_databases_ = TRY(parse_all(given.include_databases, NamePattern::Kind::database));
  selection.exclude_databases_ = TRY(parse_all(given.exclude_databases, NamePattern::Kind::database));
  selection.include_tables_ = TRY(parse_all(given.include_tables, NamePattern::Kind::table));
  selection.exclude_tables_ = TRY(parse_all(given.exclude_tables, NamePattern::Kind::table));
  return selection;
}

bool Selection::own_database_only() const {
  return include_databases_.empty() && exclude_databases_.empty() && include_tables_.empty();
}

bool Selection::names_databases(std::string_view own) const {
  if (!include_databases_.empty() || !exclude_databases_.empty()) return true;
  return any(include_tables_, [&](const NamePattern& entry) { return !entry.names_database(own); });
}

std::string Selection::target_of(const std::string& database, std::string_view own, const std::string& given) const {
  return given.empty() || names_databases(own) ? database : given;
}

bool Selection::all_tables_of(std::string_view database) const {
  return include_tables_.empty() && table_entries_of(database).empty();
}

std::vector<std::string> Selection::table_entries_of(std::string_view database) const {
  std::set<std::string> entries;
  for (const NamePattern& entry : include_tables_)
    if (entry.matches_database(database)) entries.insert("+" + entry.text());
  for (const NamePattern& entry : exclude_tables_)
    if (entry.matches_database(database)) entries.insert("-" + entry.text());
  return {entries.begin(), entries.end()};
}

bool Selection::selects_database(std::string_view database, std::string_view own) const {
  if (own_database_only()) return database == own;
  const auto matched = [&](const NamePattern& entry) { return entry.matches_database(database); };
  if (any(exclude_databases_, matched)) return false;
  const bool reserved = is_provider_database(database) || (database == "postgres" && own != "postgres");
  if (reserved && !names_database(database)) return false;
  return (include_databases_.empty() || any(include_databases_, matched)) &&
         (include_tables_.empty() || any(include_tables_, matched));
}

bool Selection::names_database(std::string_view database) const {
  const auto named = [&](const NamePattern& entry) { return entry.names_database(database); };
  return any(include_databases_, named) || any(include_tables_, named);
}

bool Selection::selects_table(std::string_view database, const model::Name& table,
                              std::span<const model::Name> partition_of) const {
  const auto matched = [&](const NamePattern& entry) { return matches(entry, database, table, partition_of); };
  return (include_tables_.empty() || any(include_tables_, matched)) && !any(exclude_tables_, matched);
}

std::vector<std::string> Selection::databases(const std::vector<std::string>& available, std::string_view own) const {
  std::vector<std::string> selected;
  for (const std::string& database : available) {
    if (selects_database(database, own)) selected.push_back(database);
  }
  return selected;
}

std::vector<Unmatched> Selection::unmatched(const std::vector<std::string>& databases, std::string_view own,
                                            const std::vector<DatabaseTables>& tables) const {
  std::vector<Unmatched> found;
  const auto check_databases = [&](const char* list, const std::vector<NamePattern>& entries, bool included) {
    for (const NamePattern& entry : entries) {
      bool exists = false, selected = false;
      for (const std::string& database : databases) {
        if (!entry.matches_database(database)) continue;
        exists = true;
        selected = selected || selects_database(database, own);
      }
      if (!exists && (included || !entry.has_wildcard())) {
        found.push_back({list, entry.text(), nearest(entry.text(), databases)});
      } else if (exists && included && !selected) {
        found.push_back({list, entry.text(), {}, "matches no database that an entry of includeTables is in"});
      }
    }
  };
  const std::vector<std::string> names = spellings(tables);
  const auto check_tables = [&](const char* list, const std::vector<NamePattern>& entries, bool included) {
    for (const NamePattern& entry : entries) {
      const bool may_be_idle = !included && entry.has_wildcard();
      if (may_be_idle || matches_any(entry, tables)) continue;
      found.push_back({list, entry.text(), nearest(entry.text(), names)});
    }
  };
  check_databases("includeDatabases", include_databases_, true);
  check_databases("excludeDatabases", exclude_databases_, false);
  check_tables("includeTables", include_tables_, true);
  check_tables("excludeTables", exclude_tables_, false);
  return found;
}

Error describe(const Unmatched& unmatched) {
  std::string near;
  for (const std::string& name : unmatched.near) near += (near.empty() ? "did you mean " : " or ") + name;
  return Error{Fault::invalid, unmatched.list + " entry '" + unmatched.entry + "' " + unmatched.why,
               near.empty() ? "names are compared exactly, upper and lower case included" : near};
}

}  // namespace tributary::pipeline
