#include "engine/postgres/copy_statement.h"

#include "engine/postgres/sql.h"

namespace tributary::postgres {
namespace {

std::string column_list(const model::Table& table) {
  std::string list;
  for (const model::Column& column : table.columns) {
    if (column.generated) continue;
    list += (list.empty() ? "" : ", ") + quote_identifier(column.name);
  }
  return list;
}

const char* format_of(const model::Table& table) {
  return table.format == model::CopyFormat::binary ? "binary" : "text";
}

// Without columns COPY takes no list, and none is needed.
std::string relation(const model::Name& name, const model::Table& table) {
  const std::string columns = column_list(table);
  return quote_name(name) + (columns.empty() ? "" : " (" + columns + ")");
}

std::string page(std::uint64_t number) {
  return "'(" + std::to_string(number) + ",0)'::pg_catalog.tid";
}

std::string conditions(const model::CopyPart& part, const std::string& filter) {
  std::string where = filter;
  if (part.of > 1) {
    where += (where.empty() ? "WHERE " : " AND ") + ("ctid >= " + page(part.first_page));
    if (part.end_page != 0) where += " AND ctid < " + page(part.end_page);
  }
  return where;
}

}  // namespace

const model::Name& written_to(const model::Table& table) {
  return table.route ? *table.route : table.name;
}

std::string copy_out_sql(const model::Table& table, const model::CopyPart& part, const std::string& filter) {
  const std::string where = conditions(part, filter);
  const std::string what =
      where.empty() ? relation(table.name, table)
                    : "(SELECT " + column_list(table) + " FROM ONLY " + quote_name(table.name) + " " + where + ")";
  return "COPY " + what + " TO STDOUT (FORMAT " + format_of(table) + ")";
}

std::string copy_in_sql(const model::Table& table, Freeze freeze) {
  return "COPY " + relation(written_to(table), table) + " FROM STDIN (FORMAT " + format_of(table) +
         (freeze == Freeze::yes ? ", FREEZE)" : ")");
}

}  // namespace tributary::postgres
