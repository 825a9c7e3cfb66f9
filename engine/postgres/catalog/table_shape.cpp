#include "engine/postgres/catalog/table_shape.h"

#include <charconv>
#include <cstdlib>
#include <utility>

#include "engine/postgres/client/array_literal.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t words_of_a_table = 8;
constexpr std::size_t words_of_a_column = 13;

// The words of both in their order. The value of old rows is kept as an array of one element: its text is that of an
// array of text, whatever the element's type.
constexpr const char* shape_query = R"sql(
SELECT ARRAY[c.oid::text, n.nspname::text, c.relname::text, c.relfilenode::text, coalesce(pn.nspname, ''), coalesce(p.relname, ''),
    coalesce(pg_get_expr(c.relpartbound, c.oid), ''), c.relreplident::text || coalesce(': ' || k.key, '')]::text[]
  || coalesce(a.words, '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
LEFT JOIN pg_class p ON p.oid = i.inhparent LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
LEFT JOIN LATERAL (SELECT string_agg(quote_ident(t.attname), ', ' ORDER BY t.attnum) AS key FROM pg_index x
  JOIN pg_attribute t ON t.attrelid = x.indrelid AND t.attnum = ANY (x.indkey)
  WHERE x.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN x.indisprimary WHEN 'i' THEN x.indisreplident END) k
  ON true
LEFT JOIN LATERAL (SELECT array_agg(w.word ORDER BY t.attnum, w.place) AS words FROM pg_attribute t
  LEFT JOIN pg_attrdef d ON d.adrelid = t.attrelid AND d.adnum = t.attnum
  LEFT JOIN pg_type y ON y.oid = t.atttypid
  LEFT JOIN pg_collation l ON l.oid = t.attcollation AND t.attcollation <> y.typcollation
  LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
  CROSS JOIN LATERAL unnest(ARRAY[t.attnum::text, t.attname::text, t.atttypid::text, t.atttypmod::text,
    format_type(t.atttypid, t.atttypmod), coalesce(quote_ident(ln.nspname) || '.' || quote_ident(l.collname), ''),
    t.attnotnull::text, t.attidentity::text, t.attgenerated::text, coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
    (t.atthasmissing AND t.attmissingval IS NOT NULL)::text, coalesce((t.attmissingval::text::text[])[1], ''),
    t.xmin::text]) WITH ORDINALITY AS w (word, place)
  WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped) a ON true
WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u') AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname NOT IN ('information_schema', '_tributary'))sql";

template <class Number>
bool read(const std::string& word, Number& number) {
  const char* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  return error == std::errc{} && stopped == end;
}

bool read(const std::string& word, bool& flag) {
  flag = word == "true";
  return flag || word == "false";
}

bool read_column(const std::string* word, ShapeColumn& column) {
  bool has_missing = false;
  const bool good = read(word[0], column.number) && read(word[2], column.type) && read(word[3], column.modifier) &&
                    read(word[6], column.not_null) && read(word[10], has_missing);
  column.name = word[1];
  column.spelling = word[4];
  column.collation = word[5];
  column.identity = word[7];
  column.generated = word[8];
  column.expression = word[9];
  if (has_missing) column.missing = word[11];
  column.version = word[12];
  return good;
}

}  // namespace

std::vector<std::string> words_of(const TableShape& shape) {
  const model::Name above = shape.above.value_or(model::Name{});
  std::vector<std::string> words{std::to_string(shape.id),
                                 shape.name.schema,
                                 shape.name.name,
                                 shape.storage,
                                 above.schema,
                                 above.name,
                                 shape.bound,
                                 shape.identity};
  for (const ShapeColumn& column : shape.columns) {
    words.insert(words.end(), {std::to_string(column.number), column.name, std::to_string(column.type),
                               std::to_string(column.modifier), column.spelling, column.collation,
                               column.not_null ? "true" : "false", column.identity, column.generated, column.expression,
                               column.missing ? "true" : "false", column.missing.value_or(""), column.version});
  }
  return words;
}

Result<TableShape> shape_of(const std::vector<std::string>& words) {
  TableShape shape;
  const bool whole = words.size() >= words_of_a_table && (words.size() - words_of_a_table) % words_of_a_column == 0;
  bool good = whole && read(words[0], shape.id);
  if (good) {
    shape.name = {words[1], words[2]};
    shape.storage = words[3];
    if (!words[5].empty()) shape.above = model::Name{words[4], words[5]};
    shape.bound = words[6];
    shape.identity = words[7];
  }
  for (std::size_t at = words_of_a_table; good && at < words.size(); at += words_of_a_column) {
    shape.columns.emplace_back();
    good = read_column(&words[at], shape.columns.back());
  }
  if (!good) return Error{Fault::failed, "the words of a table's shape do not fit their grammar"};
  return shape;
}

Result<std::vector<TableShape>> read_shapes_of_tables(Connection& source, const Until& until) {
  const Rows rows = TRY(source.query(shape_query, until));
  std::vector<TableShape> shapes;
  for (int row = 0; row < rows.size(); ++row) {
    const std::vector<std::string> words = TRY(parse_array(rows.text(row, 0)));
    shapes.push_back(TRY(shape_of(words)));
  }
  return shapes;
}

}  // namespace tributary::postgres
