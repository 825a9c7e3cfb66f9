#include "engine/postgres/copy/copy_statement.h"

#include "engine/postgres/client/sql.h"

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

// A filter is what an extension says of its table: any words that may follow it in a SELECT.
std::string rows_of(const model::Table& table, const std::string& filter) {
  const std::string rows = "ONLY " + quote_name(table.name);
  if (filter.empty()) return rows;
  const std::string columns = column_list(table);
  return "(SELECT ctid" + (columns.empty() ? "" : ", " + columns) + " FROM " + rows + " " + filter + ") AS filtered";
}

std::string pages_of(const model::CopyPart& part) {
  if (part.of == 1) return "";
  const std::string from = " WHERE ctid >= " + page(part.first_page);
  return part.end_page == 0 ? from : from + " AND ctid < " + page(part.end_page);
}

}  // namespace

const model::Name& written_to(const model::Table& table) {
  return table.route ? *table.route : table.name;
}

std::string copy_out_sql(const model::Table& table, const model::CopyPart& part, const std::string& filter) {
  const bool whole = part.of == 1 && filter.empty();
  const std::string what =
      whole ? relation(table.name, table)
            : "(SELECT " + column_list(table) + " FROM " + rows_of(table, filter) + pages_of(part) + ")";
  return "COPY " + what + " TO STDOUT (FORMAT " + format_of(table) + ")";
}

std::string copy_in_sql(const model::Table& table, Freeze freeze) {
  return "COPY " + relation(written_to(table), table) + " FROM STDIN (FORMAT " + format_of(table) +
         (freeze == Freeze::yes ? ", FREEZE)" : ")");
}

}  // namespace tributary::postgres
