#include "engine/postgres/verify/row_hash.h"

#include <map>
#include <set>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres::verify {
namespace {

// %s stands for the value. Of floats the many NaNs are one, as a client sees them, and -0 is not 0. Text goes without
// its collation, which may take different strings for equal. The hash of an array knows nothing of its bounds, and what
// array_send() writes depends on how the array came about.
const std::map<std::string, std::string> spellings{
    {"bool", "%s"},
    {"int2", "%s"},
    {"int4", "%s"},
    {"oid", "%s"},
    {"date", "%s"},
    {"uuid", "%s"},
    {"bytea", "%s"},
    {"char", "%s"},
    {"text", "%s COLLATE \"C\""},
    {"varchar", "%s COLLATE \"C\""},
    {"bpchar", "%s COLLATE \"C\""},
    {"int8", "int8send(%s)"},
    {"timestamp", "timestamp_send(%s)"},
    {"timestamptz", "timestamptz_send(%s)"},
    {"time", "time_send(%s)"},
    {"numeric", "numeric_send(%s)"},
    {"money", "cash_send(%s)"},
    {"json", "json_send(%s)"},
    {"jsonb", "jsonb_send(%s)"},
    {enum_type, "enum_send(%s)"},
    {"_bool", "%s, array_dims(%s)"},
    {"_int2", "%s, array_dims(%s)"},
    {"_int4", "%s, array_dims(%s)"},
    {"_date", "%s, array_dims(%s)"},
    {"_uuid", "%s, array_dims(%s)"},
    {"_text", "%s COLLATE \"C\", array_dims(%s)"},
    {"_varchar", "%s COLLATE \"C\", array_dims(%s)"},
    {"float4", "float4send(CASE WHEN %s = 'NaN' THEN 'NaN' ELSE %s END)"},
    {"float8", "float8send(CASE WHEN %s = 'NaN' THEN 'NaN' ELSE %s END)"}};

const std::set<std::string> text_types{"text", "varchar", "bpchar", "json", "jsonb", enum_type, "_text", "_varchar"};

std::string comma_joined(const std::vector<std::string>& items) {
  std::string list;
  for (const std::string& item : items) list += (list.empty() ? "" : ", ") + item;
  return list;
}

// As bytes where the ends have different encodings: their hash is that of the same characters then.
std::string recoded(const std::string& text, const Dialect& dialect) {
  return dialect.recodes ? "convert_to(" + text + ", 'UTF8')" : text;
}

// Each value as its type's output function writes it, and NULL as nothing at all.
std::string record_text(const std::vector<std::string>& values) {
  return "row(" + comma_joined(values) + ")::text";
}

// What a record of the columns consists of: native values, and one text of all others.
std::string record(const std::vector<ComparedColumn>& columns, const Dialect& dialect) {
  std::vector<std::string> values;
  std::vector<std::string> texts;
  for (const ComparedColumn& column : columns) {
    const bool is_native =
        dialect.native.count(column.type) != 0 && !(dialect.recodes && text_types.count(column.type) != 0);
    if (is_native) {
      values.push_back(native_value(column.type, of_t(column.name)));
    } else {
      texts.push_back(of_t(column.name));
    }
  }
  if (!texts.empty()) values.push_back(recoded(record_text(texts), dialect));
  return "row(" + comma_joined(values) + ")";
}

// Of all columns as one text, for servers that have no hash of records nor of bytes.
std::string text_hash(const std::vector<std::string>& values, const std::string& seed, const Dialect& dialect) {
  std::string text = record_text(values);
  if (dialect.recodes) text = "encode(" + recoded(text, dialect) + ", 'hex')";
  return "hashtextextended(" + text + " COLLATE \"C\", " + seed + ")";
}

std::string hash(const std::vector<ComparedColumn>& columns, const std::string& seed, const Dialect& dialect) {
  if (dialect.by_record) return "hash_record_extended(" + record(columns, dialect) + ", " + seed + ")";
  std::vector<std::string> values;
  for (const ComparedColumn& column : columns) values.push_back(of_t(column.name));
  return text_hash(values, seed, dialect);
}

// Most keys are one number, never null, which has a hash of its own that costs less than that of a record.
std::string key_hash(const std::vector<ComparedColumn>& key, const Dialect& dialect) {
  if (key.size() == 1 && dialect.native.count(key.front().type) != 0) {
    if (key.front().type == "int4") return "hashint4extended(" + of_t(key.front().name) + ", 0)";
    if (key.front().type == "int8") return "hashint8extended(" + of_t(key.front().name) + ", 0)";
  }
  return hash(key, "0", dialect);
}

}  // namespace

std::string of_t(const std::string& column) {
  return "t." + quote_identifier(column);
}

std::string native_value(const std::string& type, const std::string& value) {
  const auto spelling = spellings.find(type);
  if (spelling == spellings.end()) return "";
  std::string sql = spelling->second;
  for (std::size_t at = sql.find("%s"); at != std::string::npos; at = sql.find("%s", at + value.size()))
    sql.replace(at, 2, value);
  return sql;
}

RowHash row_hash(const TablePair& pair, const Dialect& dialect) {
  const std::string key = pair.key.empty() ? hash(pair.columns, "0", dialect) : key_hash(pair.key, dialect);
  return {key, hash(pair.columns, key, dialect)};
}

std::string column_hash(const std::string& column, const Dialect& dialect) {
  return text_hash({of_t(column)}, "0", dialect);
}

}  // namespace tributary::postgres::verify
