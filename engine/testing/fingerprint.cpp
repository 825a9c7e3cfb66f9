#include "engine/testing/fingerprint.h"

#include "engine/testing/session.h"

namespace tributary::testbed {
namespace {

// One snapshot, one spelling of every value, and no policy that hides rows.
constexpr const char* settings = R"(
  BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
  SET LOCAL datestyle = 'ISO, YMD';
  SET LOCAL intervalstyle = 'postgres';
  SET LOCAL timezone = 'UTC';
  SET LOCAL extra_float_digits = 3;
  SET LOCAL bytea_output = 'hex';
  SET LOCAL lc_monetary = 'C';
  SET LOCAL search_path = 'pg_catalog';
  SET LOCAL row_security = off)";

// The relations of the given kinds: name to show, name to use in SQL.
Rows relations(Session& session, const std::string& kinds) {
  return session.query(
      "SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname)"
      "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
      " WHERE c.relispopulated AND c.relkind = ANY ('" +
      kinds +
      "') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
      "   AND n.nspname <> '_tributary'");
}

// Both halves of each row's md5 are summed, so neither the order of rows nor equal pairs of rows can hide anything.
std::string digest_of_rows(const std::string& row, const std::string& table) {
  return "SELECT count(*) || ' rows ' || coalesce(sum(('x' || substr(h, 1, 16))::bit(64)::bigint::numeric), 0)"
         "       || ':' || coalesce(sum(('x' || substr(h, 17, 16))::bit(64)::bigint::numeric), 0)"
         "  FROM (SELECT md5((" +
         row + ")::text) AS h FROM ONLY " + table + " AS \"the row\") AS hashed";
}

std::string digest_of(const std::string& table) {
  return digest_of_rows("\"the row\".*", table);
}

std::map<std::string, std::string> each(const std::string& uri, const std::string& kinds,
                                        std::string (*sql_for)(const std::string&)) {
  Session session(uri);
  session.exec(settings);
  std::map<std::string, std::string> found;
  for (const Row& relation : relations(session, kinds)) found[*relation[0]] = session.scalar(sql_for(*relation[1]));
  return found;
}

}  // namespace

std::map<std::string, std::string> fingerprint(const std::string& uri) {
  return each(uri, "{r,m}", digest_of);
}

std::map<std::string, std::string> rows_by_column_name(const std::string& uri) {
  Session session(uri);
  session.exec(settings);
  std::map<std::string, std::string> found;
  for (const Row& relation : relations(session, "{r}")) {
    const std::string columns = session.scalar(
        "SELECT string_agg(format('\"the row\".%I', attname), ', ' ORDER BY attname COLLATE \"C\") FROM pg_attribute"
        " WHERE attrelid = $$" +
        *relation[1] + "$$::regclass AND attnum > 0 AND NOT attisdropped");
    found[*relation[0]] = columns + ": " + session.scalar(digest_of_rows("ROW(" + columns + ")", *relation[1]));
  }
  return found;
}

std::map<std::string, std::string> sequences(const std::string& uri) {
  return each(uri, "{S}", [](const std::string& name) { return "SELECT last_value || ' ' || is_called FROM " + name; });
}

}  // namespace tributary::testbed
