#include "engine/postgres/copy/copy_error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "engine/postgres/client/condition.h"
#include "engine/postgres/copy/copy_statement.h"

namespace tributary::postgres {
namespace {

// Beside those whose words are withheld: features, cardinality, constraints, triggered data changes, routines, names
// and types, views with a check, limits of the server.
constexpr std::array<std::string_view, 10> groups_about_rows_or_table{"0A", "21", "23", "27", "2F",
                                                                      "38", "39", "42", "44", "54"};

bool is_about_rows_or_table(std::string_view sqlstate) {
  if (!is_refusal(sqlstate)) return false;
  const std::string_view group = sqlstate.substr(0, 2);
  return condition_of(sqlstate).has_value() ||
         std::find(groups_about_rows_or_table.begin(), groups_about_rows_or_table.end(), group) !=
             groups_about_rows_or_table.end();
}

// The bounds of a partition have no name. What is not found while a row is taken is named by a constraint, a trigger or
// a function that they call.
const char* hint_of(std::string_view sqlstate, std::string_view constraint, bool at_row) {
  const std::string_view group = sqlstate.substr(0, 2);
  if (at_row && (sqlstate == "42883" || sqlstate == "42P01"))
    return "a function that a constraint of the table calls names it without its schema, and a copy goes by no "
           "search_path: on the source write the schema there, or ALTER FUNCTION ... SET search_path; then on the "
           "target";
  if (sqlstate == "23514" && constraint.empty())
    return "the row belongs to another partition on the target: compare partition keys and bounds, collations and "
           "encodings of the two";
  if (sqlstate == "23514")
    return "a CHECK that came with the table reads what is not there yet, or holds for new rows only: add it anew as "
           "NOT VALID on the source, then it follows the rows; one that only the target has is to be dropped there";
  if (group == "23" || group == "44")
    return "the target asks more of its rows than the source does: take that constraint from the table there, or drop "
           "the table, and run again";
  if (sqlstate == "22021" || sqlstate == "22P05")
    return "the source holds bytes that are no characters there: correct them, or copy into a database of the source's "
           "encoding";
  if (group == "22" || group == "42" || group == "0A")
    return "compare the table on the target with the source's: drop it there, or make it alike";
  if (group == "54") return "the row is beyond a limit of the target's server";
  return "a trigger or function on the target refuses the row: disable it for the copy; its words, which may hold "
         "values of rows, are in the server's log";
}

struct Place {
  std::string row;
  std::string column;
};

// After the server's "COPY orders, line 7, column total: ..." (CopyFromErrorCallback in
// src/backend/commands/copyfrom.c). Of what follows the number only a name that the table has is believed.
Place place_in(const std::string& context, const model::Table& table) {
  Place place;
  const std::string start = "COPY " + written_to(table).name + ", line ";
  std::size_t at = context.find(start);
  if (at == std::string::npos) return place;
  at += start.size();
  for (; at < context.size() && std::isdigit(static_cast<unsigned char>(context[at])) != 0; ++at)
    place.row += context[at];
  for (const model::Column& column : table.columns) {
    const std::string named = ", column " + column.name;
    if (context.compare(at, named.size(), named) == 0 && column.name.size() > place.column.size())
      place.column = column.name;
  }
  return place;
}

}  // namespace

Error copy_error(const model::Table& table, const std::string& sqlstate, const Diagnosis& diagnosis, Error error) {
  if (!is_about_rows_or_table(sqlstate) || error.fault == Fault::denied) return error;
  const Place place = place_in(diagnosis.context, table);
  const std::string column = diagnosis.column.empty() ? place.column : diagnosis.column;
  if (!place.row.empty()) error.what += ", row " + place.row;
  if (!column.empty()) error.what += ", column " + column;
  if (!diagnosis.constraint.empty() && error.what.find(diagnosis.constraint) == std::string::npos)
    error.what += ", constraint " + diagnosis.constraint;
  error.fault = Fault::invalid;
  error.hint = hint_of(sqlstate, diagnosis.constraint, !place.row.empty());
  return error;
}

}  // namespace tributary::postgres
