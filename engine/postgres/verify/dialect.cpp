#include "engine/postgres/verify/dialect.h"

#include <utility>
#include <vector>

#include "engine/postgres/verify/row_hash.h"

namespace tributary::postgres::verify {
namespace {

constexpr int first_with_record_hash = 14;

// Of each type a few values that differ in length, sign and every byte.
const std::vector<std::pair<std::string, std::vector<std::string>>> probes{
    {"bool", {"'t'", "'f'"}},
    {"int2", {"'0'", "'-2'", "'12345'"}},
    {"int4", {"'0'", "'-2'", "'1234567890'"}},
    {"oid", {"'0'", "'4023456789'"}},
    {"date", {"'2000-01-01'", "'1969-12-31'", "'infinity'"}},
    {"uuid", {"'00112233-4455-6677-8899-aabbccddeeff'"}},
    {"bytea", {"'\\x'", "'\\x00'", "'\\x0123456789abcdef0123456789abcdef01'"}},
    {"char", {"'a'", "''", "(-1)"}},
    {"text", {"''", "'a'", "'twelve bytes'", "'more than twelve bytes'"}},
    {"varchar", {"''", "'a'", "'more than twelve bytes'"}},
    {"bpchar", {"'a'", "'more than twelve bytes'"}},
    {"int8", {"'0'", "'-2'", "'1234567890123456789'", "'4294967296'"}},
    {"timestamp", {"'2024-02-29 12:34:56.789012'", "'-infinity'"}},
    {"timestamptz", {"'2024-02-29 12:34:56.789012+00'", "'infinity'"}},
    {"time", {"'12:34:56.789012'", "'24:00'"}},
    {"numeric", {"'0'", "'1.0'", "'1.00'", "'-1234567890.0987654321'", "'NaN'"}},
    {"money", {"'-12345678901'::int8::money"}},
    {"json", {R"('{"a":  1.00}')", R"('{"b": "x", "a": [null, true]}')"}},
    {"jsonb", {R"('{"a":  1.00}')", R"('{"b": "x", "a": [null, true]}')"}},
    {"_bool", {"'{t,f,NULL}'"}},
    {"_int2", {"'{}'", "'[3:4]={1,2}'", "'{{1,2},{3,4}}'"}},
    {"_int4", {"'{}'", "'[3:4]={1,2}'", "'{{1,2},{3,4}}'"}},
    {"_date", {"'{2000-01-01,infinity,NULL}'"}},
    {"_uuid", {"'{00112233-4455-6677-8899-aabbccddeeff}'"}},
    {"_text", {"'{}'", "'{a,NULL,\"\"}'", "'[0:1]={a,more than twelve bytes}'"}},
    {"_varchar", {"'{}'", "'{a,NULL,\"\"}'", "'[0:1]={a,more than twelve bytes}'"}},
    {"float4", {"'0'", "'-0'", "'1.5e-30'", "'NaN'", "'-Infinity'"}},
    {"float8", {"'0'", "'-0'", "'1.5e-300'", "'NaN'", "'-Infinity'"}}};

std::string probe(const std::string& type, const std::vector<std::string>& values) {
  std::string record;
  for (const std::string& value : values) {
    const std::string typed = value + "::" + (type == "char" ? "\"char\"" : type);
    record += (record.empty() ? "" : ", ") + native_value(type, "(" + typed + ")");
  }
  std::string sql = "hash_record_extended(row(" + record + "), 4711)";
  if (type == "int4" || type == "int8") {
    for (const std::string& value : values)
      sql += " # hash" + std::string(type == "int4" ? "int4" : "int8") + "extended(" + value + ", 0)";
  }
  return sql;
}

Result<Rows> ask(Connection& connection, const Until& until) {
  std::string sql;
  for (const auto& [type, values] : probes) sql += (sql.empty() ? "SELECT " : ", ") + probe(type, values);
  return connection.query_row(sql, {}, until);
}

}  // namespace

Result<Dialect> agree(Connection& source, Connection& target, const Until& until) {
  Dialect dialect;
  dialect.recodes = source.reported("server_encoding") != target.reported("server_encoding");
  dialect.by_record =
      source.major_version() >= first_with_record_hash && target.major_version() >= first_with_record_hash;
  if (!dialect.by_record) return dialect;
  const Rows here = TRY(ask(source, until));
  const Rows there = TRY(ask(target, until));
  for (std::size_t each = 0; each < probes.size(); ++each) {
    const int column = static_cast<int>(each);
    if (here.text(0, column) == there.text(0, column)) dialect.native.insert(probes[each].first);
  }
  // Send functions convert text to the client's encoding, which may know other characters.
  const bool sends_text = source.reported("server_encoding") == "UTF8" && target.reported("server_encoding") == "UTF8";
  if (!sends_text)
    std::erase_if(dialect.native, [](const std::string& type) { return type == "json" || type == "jsonb"; });
  if (sends_text && dialect.native.count("bytea") != 0) dialect.native.insert(enum_type);
  return dialect;
}

}  // namespace tributary::postgres::verify
