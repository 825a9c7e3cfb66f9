#include "engine/postgres/schema/toc_names.h"

#include <algorithm>
#include <set>

#include "engine/base/text.h"
#include "engine/model/name.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/schema/statements.h"

namespace tributary::postgres {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

const std::set<std::string> named_by_schema = {
    "COLLATION", "CONVERSION", "DOMAIN", "FOREIGN TABLE", "MATERIALIZED VIEW",      "SEQUENCE",
    "TABLE",     "TYPE",       "VIEW",   "STATISTICS",    "TEXT SEARCH DICTIONARY", "TEXT SEARCH CONFIGURATION"};
const std::set<std::string> named_alone = {"SCHEMA", "EVENT TRIGGER", "FOREIGN DATA WRAPPER", "PROCEDURAL LANGUAGE",
                                           "SERVER"};
// Their DROP statement names them with arguments or an access method.
const std::set<std::string> named_by_drop = {"AGGREGATE",      "FUNCTION",        "OPERATOR",
                                             "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE"};

// Tags of these hold "table name", already good enough to read.
std::string subject(const TocEntry& entry) {
  static const std::set<std::string> free_text = {
      "ACL",     "COMMENT", "SECURITY LABEL", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT",
      "DEFAULT", "TRIGGER", "RULE",           "POLICY"};
  if (free_text.contains(entry.type)) return entry.tag + (entry.schema.empty() ? "" : " in schema " + entry.schema);
  return entry.schema.empty() ? entry.tag : model::display({entry.schema, entry.tag});
}

}  // namespace

std::string describe(const TocEntry& entry) {
  const std::string kind = entry.type == "ACL"       ? "grants on "
                           : entry.type == "COMMENT" ? "comment on "
                                                     : lower(entry.type) + " ";
  return one_line(kind + subject(entry));
}

std::optional<std::string> ownable(const TocEntry& entry) {
  // What has no DROP statement was there before (schema public) or belongs to something else.
  if (entry.owner.empty() || entry.drop.empty()) return std::nullopt;
  if (named_by_schema.contains(entry.type)) return entry.type + " " + quote_name({entry.schema, entry.tag});
  if (named_alone.contains(entry.type)) return entry.type + " " + quote_identifier(entry.tag);
  if (!named_by_drop.contains(entry.type)) return std::nullopt;
  static const std::string verb = "DROP ";
  const auto statements = split_statements(entry.drop);
  if (statements.empty() || !statements.front().starts_with(verb)) return std::nullopt;
  return statements.front().substr(verb.size());
}

}  // namespace tributary::postgres
