#include "engine/postgres/verify/row_hash.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres::verify {
namespace {

// What the hash of an array does not see: its bounds, and what cancels out in a long one.
const std::string beside_array = ", CASE WHEN cardinality(%s) > 16 THEN %s::text ELSE array_dims(%s) END";

// %s stands for the value. Of floats the many NaNs are one, as a client sees them, and -0 is not 0. Text goes without
// its collation, which may take different strings for equal. What array_send() writes depends on how the array came
// about.
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
    {"_bool", "%s" + beside_array},
    {"_int2", "%s" + beside_array},
    {"_int4", "%s" + beside_array},
    {"_date", "%s" + beside_array},
    {"_uuid", "%s" + beside_array},
    {"_text", "%s COLLATE \"C\"" + beside_array},
    {"_varchar", "%s COLLATE \"C\"" + beside_array},
    {"float4", "float4send(CASE WHEN %s = 'NaN' THEN 'NaN' ELSE %s END)"},
    {"float8", "float8send(CASE WHEN %s = 'NaN' THEN 'NaN' ELSE %s END)"}};

const std::set<std::string> text_types{"text", "varchar", "bpchar", "json", "jsonb", enum_type, "_text", "_varchar"};

// Those whose hash, seeded, can be had without a record around it, which costs more.
const std::map<std::string, std::string> functions{{"int2", "hashint2extended"},    {"int4", "hashint4extended"},
                                                   {"oid", "hashoidextended"},      {"uuid", "uuid_hash_extended"},
                                                   {"text", "hashtextextended"},    {"varchar", "hashtextextended"},
                                                   {"bpchar", "hashbpcharextended"}};

// Of more columns in one record sequences of the same two values could be told apart by too few bits.
constexpr std::size_t most_of_a_record = 8;

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

bool is_native(const ComparedColumn& column, const Dialect& dialect) {
  return dialect.native.count(column.type) != 0 && !(dialect.recodes && text_types.count(column.type) != 0);
}

// What a record of the columns consists of: native values, and one text of all others.
std::vector<std::string> record_values(const std::vector<ComparedColumn>& columns, const Dialect& dialect) {
  std::vector<std::string> values;
  std::vector<std::string> texts;
  for (const ComparedColumn& column : columns) {
    if (is_native(column, dialect)) {
      values.push_back(native_value(column.type, of_t(column.name)));
    } else {
      texts.push_back(of_t(column.name));
    }
  }
  if (!texts.empty()) values.push_back(recoded(record_text(texts), dialect));
  return values;
}

// Each record is seeded with the one before. That of nothing but NULL hashes to 0 whatever its seed: none is.
std::string chain(const std::vector<std::string>& values, std::string seed) {
  const bool is_one = values.size() <= most_of_a_record;
  for (std::size_t begin = 0; begin < values.size(); begin += most_of_a_record) {
    const std::size_t end = std::min(values.size(), begin + most_of_a_record);
    std::vector<std::string> some(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                  values.begin() + static_cast<std::ptrdiff_t>(end));
    if (!is_one) some.push_back("0");
    seed = "hash_record_extended(row(" + comma_joined(some) + "), " + seed + ")";
  }
  return seed;
}

// Of all columns as one text, for servers that have no hash of records nor of bytes.
std::string text_hash(const std::vector<std::string>& values, const std::string& seed, const Dialect& dialect) {
  std::string text = record_text(values);
  if (dialect.recodes) text = "encode(" + recoded(text, dialect) + ", 'hex')";
  return "hashtextextended(" + text + " COLLATE \"C\", " + seed + ")";
}

std::string hash(const std::vector<ComparedColumn>& columns, const std::string& seed, const Dialect& dialect) {
  if (dialect.by_record) return chain(record_values(columns, dialect), seed);
  std::vector<std::string> values;
  for (const ComparedColumn& column : columns) values.push_back(of_t(column.name));
  return text_hash(values, seed, dialect);
}

// Most keys are one number, never null, whose hash costs so little that it can be asked for again and again; "" for
// others.
std::string number_hash(const std::vector<ComparedColumn>& key, const Dialect& dialect) {
  if (key.size() != 1 || dialect.native.count(key.front().type) == 0) return "";
  if (key.front().type == "int4") return "hashint4extended(" + of_t(key.front().name) + ", 0)";
  if (key.front().type == "int8") return "hashint8extended(" + of_t(key.front().name) + ", 0)";
  return "";
}

// Columns by themselves, each with a seed of its own, where they have a function for it, the others as records.
std::string beside_number(const std::string& key_hash, const TablePair& pair, const Dialect& dialect) {
  std::string sum = key_hash;
  std::vector<ComparedColumn> others;
  for (std::size_t each = 0; each < pair.columns.size(); ++each) {
    const ComparedColumn& column = pair.columns[each];
    const auto function = functions.find(column.type);
    if (function == functions.end() || !is_native(column, dialect)) {
      others.push_back(column);
      continue;
    }
    const std::string place = std::to_string(each + 1);
    sum += " # coalesce(" + function->second + "(" + native_value(column.type, of_t(column.name)) + ", " + key_hash +
           " # " + place + "), " + place + ")";
  }
  if (!others.empty()) sum += " # " + chain(record_values(others, dialect), key_hash);
  return "(" + sum + ")";
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
  const std::string number = number_hash(pair.key, dialect);
  if (!number.empty()) return {number, beside_number(number, pair, dialect)};
  const std::string key = hash(pair.key.empty() ? pair.columns : pair.key, "0", dialect);
  return {key, hash(pair.columns, key, dialect)};
}

std::string column_hash(const std::string& column, const Dialect& dialect) {
  return text_hash({of_t(column)}, "0", dialect);
}

}  // namespace tributary::postgres::verify
