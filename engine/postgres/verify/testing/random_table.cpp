#include "engine/postgres/verify/testing/random_table.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace tributary::testbed {
namespace {

std::vector<const ValueType*> types_for(const ValueRules& rules, bool ValueType::*trait = nullptr) {
  std::vector<const ValueType*> types;
  for (const ValueType& type : value_types())
    if (type.since <= rules.major && (trait == nullptr || type.*trait)) types.push_back(&type);
  return types;
}

std::string draw_new_name(Random& random, const ValueRules& rules, const std::vector<RandomColumn>& columns) {
  while (true) {
    const std::string name = draw_name(random, rules);
    if (std::none_of(columns.begin(), columns.end(), [&](const RandomColumn& each) { return each.name == name; }))
      return name;
  }
}

void add_column(Random& random, const ValueRules& rules, const ValueType* type, bool in_key, RandomTable& table) {
  RandomColumn column{draw_new_name(random, rules, table.columns), type, type->sql, in_key};
  if (!type->other.empty() && random.once_in(4)) column.target_type = type->other;
  table.columns.push_back(std::move(column));
}

void draw_key(Random& random, const ValueRules& rules, RandomTable& table) {
  if (random.once_in(5)) return;
  table.kind = random.once_in(3) ? random.once_in(2) ? KeyKind::unique : KeyKind::deferrable : KeyKind::primary;
  const std::vector<const ValueType*> types = types_for(rules, &ValueType::can_be_key);
  const std::size_t count = random.once_in(2) ? 1 : 1 + random.below(3);
  for (std::size_t each = 0; each < count; ++each) {
    const ValueType* type = random.once_in(3) ? &value_types()[1] : random.pick(types);
    add_column(random, rules, type, true, table);
  }
}

void draw_computed(Random& random, const ValueRules& rules, RandomTable& table) {
  for (const RandomColumn& of : table.columns) {
    if (of.type->generated.empty() || of.target_type != of.type->sql || !random.once_in(6)) continue;
    RandomColumn column{draw_new_name(random, rules, table.columns), of.type, "text"};
    column.computed = of.type->generated;
    column.computed.replace(column.computed.find("%s"), 2, identifier_of(of.name));
    column.computed = "(" + column.computed + ")::text";
    table.columns.push_back(std::move(column));
    return;
  }
}

Division draw_division(Random& random, const ValueRules& rules, const RandomTable& table) {
  if (!random.once_in(4)) return {};
  std::vector<std::size_t> candidates;
  for (std::size_t each = 0; each < table.columns.size(); ++each)
    if (table.columns[each].type->can_divide && table.columns[each].computed.empty() &&
        (table.kind == KeyKind::none || table.columns[each].is_required))
      candidates.push_back(each);
  if (candidates.empty()) return {};
  const std::size_t column = random.pick(candidates);
  const auto by = random.pick<Division::By>({Division::By::range, Division::By::list, Division::By::hash});
  return {by, column, literal_of(table.columns[column].type->draw(random, rules))};
}

std::string partitions(const RandomTable& table, Side side) {
  const Division& division = table.division(side);
  if (division.by == Division::By::nothing) return "";
  const std::string prefix = (side == Side::source ? "from " : "to ") + std::to_string(table.number) + " ";
  const auto part = [&](const std::string& place, const std::string& rest, const std::string& above = "") {
    const auto named = [&](const std::string& name) {
      return identifier_of(table.schema) + "." + identifier_of(prefix + name);
    };
    return "; CREATE TABLE " + named(place) + " PARTITION OF " + (above.empty() ? table.quoted() : named(above)) + rest;
  };
  const std::string column = " (" + identifier_of(table.columns[division.column].name) + ")";
  switch (division.by) {
    case Division::By::nothing:
      break;
    case Division::By::range:
      return part("low", " FOR VALUES FROM (MINVALUE) TO (" + division.bound + ")") +
             part("rest", " DEFAULT PARTITION BY HASH" + column) +
             part("leaf", " FOR VALUES WITH (MODULUS 1, REMAINDER 0)", "rest");
    case Division::By::list:
      return part("one", " FOR VALUES IN (" + division.bound + ")") + part("others", " DEFAULT");
    case Division::By::hash:
      return part("even", " FOR VALUES WITH (MODULUS 2, REMAINDER 0)") +
             part("odd", " FOR VALUES WITH (MODULUS 2, REMAINDER 1)");
  }
  return "";
}

std::string definition_of(Random& random, const RandomColumn& column, Side side, int major) {
  std::string sql = identifier_of(column.name) + " " + (side == Side::target ? column.target_type : column.type->sql);
  if (!column.computed.empty())
    return identifier_of(column.name) + " text GENERATED ALWAYS AS (" + column.computed + ")" +
           (major >= 18 && random.once_in(2) ? " VIRTUAL" : " STORED");
  if (column.is_identity) sql += " GENERATED ALWAYS AS IDENTITY";
  return sql + (column.is_required ? " NOT NULL" : "");
}

// Too long for its row, and not to be compressed.
std::string draw_long_literal(Random& random) {
  std::string text = "long ";
  while (text.size() < 1'200'000) text += std::to_string(random.below(1ULL << 60));
  return literal_of(text);
}

std::string key_list(const RandomTable& table) {
  std::string list;
  for (const std::size_t each : table.key) list += (list.empty() ? "" : ", ") + identifier_of(table.columns[each].name);
  return " (" + list + ")";
}

}  // namespace

const char* const one_spelling =
    "SET client_encoding = UTF8; SET extra_float_digits = 3; SET DateStyle = ISO; SET IntervalStyle = postgres;"
    "SET TimeZone = 'UTC'; SET lc_monetary = 'C'; SET bytea_output = hex; SET standard_conforming_strings = on";

std::string identifier_of(const std::string& name) {
  std::string quoted = "\"";
  for (const char each : name) quoted += (each == '"' ? std::string("\"") : std::string()) + each;
  return quoted + "\"";
}

std::string RandomTable::quoted() const {
  return identifier_of(schema) + "." + identifier_of(name);
}

std::string RandomTable::scanned(Side side) const {
  return (division(side).by == Division::By::nothing ? "ONLY " : "") + quoted();
}

std::string RandomTable::column_list() const {
  std::string list;
  for (const RandomColumn& column : columns) list += (list.empty() ? "" : ", ") + identifier_of(column.name);
  return list;
}

RandomTable draw_table(Random& random, const ValueRules& rules, const std::string& schema, std::size_t number) {
  RandomTable table;
  table.schema = schema;
  table.number = number;
  table.name = draw_name(random, rules).substr(0, 50);
  while ((static_cast<unsigned char>(table.name.back()) & 0x80) != 0) table.name.pop_back();
  table.name += " " + std::to_string(number);
  draw_key(random, rules, table);
  const std::vector<const ValueType*> types = types_for(rules);
  const std::size_t more = random.once_in(10) ? 0 : 1 + random.below(random.once_in(4) ? 30 : 8);
  for (std::size_t each = 0; each < more; ++each) add_column(random, rules, random.pick(types), false, table);
  draw_computed(random, rules, table);
  std::shuffle(table.columns.begin(), table.columns.end(), std::mt19937_64(random.below(1000)));
  for (std::size_t each = 0; each < table.columns.size(); ++each)
    if (table.columns[each].is_required) table.key.push_back(each);
  std::shuffle(table.key.begin(), table.key.end(), std::mt19937_64(random.below(1000)));
  for (Division& division : table.divided) division = draw_division(random, rules, table);
  const bool is_divided = table.divided[0].by != Division::By::nothing || table.divided[1].by != Division::By::nothing;
  for (RandomColumn& column : table.columns)
    if (!is_divided && column.type->sql == "int4" && column.target_type == "int4" && random.once_in(3)) {
      column.is_identity = column.is_required = true;
      break;
    }
  return table;
}

RandomTable draw_child(Random& random, const ValueRules& rules, const RandomTable& parent, std::size_t number) {
  RandomTable table = parent;
  table.number = number;
  table.name = "child " + std::to_string(number);
  table.parent = parent.quoted();
  table.inherited = parent.columns.size();
  table.kind = KeyKind::none;
  table.key.clear();
  for (RandomColumn& column : table.columns) column.is_identity = false;
  add_column(random, rules, random.pick(types_for(rules)), false, table);
  return table;
}

Creation create_table(Random& random, const RandomTable& table, Side side, int major) {
  std::vector<std::size_t> order(table.columns.size());
  std::iota(order.begin(), order.end(), 0);
  order.erase(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(table.inherited));
  if (side == Side::target) std::shuffle(order.begin(), order.end(), std::mt19937_64(random.below(1000)));
  std::string list;
  std::string dropped;
  for (const std::size_t each : order) {
    if (side == Side::target && table.parent.empty() && random.once_in(5)) {
      const std::string gone = identifier_of("gone " + std::to_string(each));
      list += (list.empty() ? "" : ", ") + gone + " int DEFAULT 7";
      dropped += "; ALTER TABLE " + table.quoted() + " DROP COLUMN " + gone;
    }
    list += (list.empty() ? "" : ", ") + definition_of(random, table.columns[each], side, major);
  }
  const std::string key = key_list(table);
  if (table.kind == KeyKind::primary) list += ", PRIMARY KEY" + key;
  if (table.kind == KeyKind::unique) list += ", UNIQUE" + key;
  std::string create = "CREATE TABLE " + table.quoted() + " (" + list + ")";
  if (!table.parent.empty()) create += " INHERITS (" + table.parent + ")";
  const Division& division = table.division(side);
  static const std::map<Division::By, std::string> words{
      {Division::By::range, "RANGE"}, {Division::By::list, "LIST"}, {Division::By::hash, "HASH"}};
  if (division.by != Division::By::nothing)
    create +=
        " PARTITION BY " + words.at(division.by) + " (" + identifier_of(table.columns[division.column].name) + ")";
  Creation creation{create + partitions(table, side) + dropped, ""};
  // ON CONFLICT, by which rows of a key that is there are left out, knows no constraint that waits.
  if (table.kind == KeyKind::deferrable) {
    creation.before += "; CREATE UNIQUE INDEX meanwhile ON " + table.quoted() + key;
    creation.after = "DROP INDEX " + identifier_of(table.schema) + ".meanwhile; ALTER TABLE " + table.quoted() +
                     " ADD UNIQUE" + key + " DEFERRABLE INITIALLY DEFERRED";
  }
  return creation;
}

std::string draw_literal(Random& random, const ValueRules& rules, const RandomColumn& column) {
  if (!column.is_required && random.once_in(6)) return "NULL";
  if (!column.is_required && column.type->sql == "text" && random.once_in(150)) return draw_long_literal(random);
  return literal_of(column.type->draw(random, rules));
}

std::vector<std::string> draw_row(Random& random, const ValueRules& rules, const RandomTable& table) {
  std::vector<std::string> row;
  for (const RandomColumn& column : table.columns)
    if (column.computed.empty()) row.push_back(draw_literal(random, rules, column));
  return row;
}

std::string insert_rows(const RandomTable& table, const std::vector<std::vector<std::string>>& rows) {
  std::string columns;
  for (const RandomColumn& column : table.columns)
    if (column.computed.empty()) columns += (columns.empty() ? "" : ", ") + identifier_of(column.name);
  std::string values;
  for (const std::vector<std::string>& row : rows) {
    values += values.empty() ? "(" : ", (";
    for (std::size_t each = 0; each < row.size(); ++each) values += (each == 0 ? "" : ", ") + row[each];
    values += ")";
  }
  return "INSERT INTO " + table.quoted() + " (" + columns + ") OVERRIDING SYSTEM VALUE VALUES " + values;
}

Rows read_rows(Session& session, const RandomTable& table, Side side) {
  return session.query("SELECT " + table.column_list() + " FROM " + table.scanned(side));
}

}  // namespace tributary::testbed
