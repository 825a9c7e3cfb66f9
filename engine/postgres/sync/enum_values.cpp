#include "engine/postgres/sync/enum_values.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/sync/type_uses.h"

namespace tributary::postgres::sync {
namespace {

constexpr const char* labels_of_type =
    "ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)";

constexpr const char* labels_query = R"sql(
SELECT n.nspname, t.typname,
  ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
FROM unnest($1::text[], $2::text[]) AS g (schema_name, type_name)
JOIN pg_namespace n ON n.nspname = g.schema_name
JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = g.type_name AND t.typtype = 'e')sql";

using Words = std::vector<std::string>;

// Whether the target has labels between two of its own that the source does not have; null stands for either end.
bool has_others_between(const Words& target, const std::string* before, const std::string* after,
                        const std::set<std::string>& of_source) {
  const auto first = before == nullptr ? target.begin() : std::next(std::find(target.begin(), target.end(), *before));
  const auto last = after == nullptr ? target.end() : std::find(first, target.end(), *after);
  return std::any_of(first, last, [&](const std::string& each) { return of_source.count(each) == 0; });
}

std::string place_of(const std::string* before, const Words& target) {
  if (before != nullptr) return " AFTER " + quote_literal(*before);
  return target.empty() ? "" : " BEFORE " + quote_literal(target.front());
}

}  // namespace

Result<std::vector<EnumType>> read_enums(Connection& source, const Until& until) {
  std::vector<EnumType> types;
  for (UsedType& each : TRY(read_used_types(source, "t.typtype = 'e'", labels_of_type, until)))
    types.push_back({std::move(each.name), TRY(parse_array(each.answer)), std::move(each.tables)});
  return types;
}

Result<Labels> read_labels(Connection& target, const std::vector<EnumType>& types, const Until& until) {
  NameArrays names;
  for (const EnumType& each : types) names.add(each.name);
  const Rows rows = TRY(target.query(labels_query, {names.schemas(), names.names()}, until));
  Labels labels;
  for (int row = 0; row < rows.size(); ++row)
    labels.emplace(model::Name{rows.str(row, 0), rows.str(row, 1)}, TRY(parse_array(rows.text(row, 2))));
  return labels;
}

MissingLabels missing_labels(const EnumType& source, const Words& target) {
  const std::set<std::string> known(target.begin(), target.end());
  const std::set<std::string> all(source.labels.begin(), source.labels.end());
  MissingLabels missing;
  const std::string* common = nullptr;  // the last one that both have
  const std::string* before = nullptr;  // the one before, which the target has by then
  for (auto label = source.labels.begin(); label != source.labels.end(); before = &*label++) {
    if (known.count(*label) != 0) {
      common = &*label;
      continue;
    }
    const auto next =
        std::find_if(label, source.labels.end(), [&](const std::string& each) { return known.count(each) != 0; });
    missing.statements.push_back("ALTER TYPE " + quote_name(source.name) + " ADD VALUE IF NOT EXISTS " +
                                 quote_literal(*label) + place_of(before, target));
    if (has_others_between(target, common, next == source.labels.end() ? nullptr : &*next, all))
      missing.may_be_renamed = true;
  }
  return missing;
}

}  // namespace tributary::postgres::sync
