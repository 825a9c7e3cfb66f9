#include "engine/postgres/apply/refusal.h"

#include <algorithm>
#include <array>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres::apply {
namespace {

// Features, cardinality, data, constraints, triggered data changes, routines, names and types, views with a check,
// limits of the server, what functions raise.
constexpr std::array<std::string_view, 11> about_table{"0A", "21", "22", "23", "27", "2F",
                                                       "38", "39", "42", "44", "54"};
constexpr std::string_view about_function = "P0";
constexpr std::string_view no_right = "42501";
constexpr std::string_view unique_violation = "23505";
constexpr std::string_view undefined_function = "42883";

}  // namespace

bool is_about_table(std::string_view sqlstate) {
  if (sqlstate.size() != 5 || sqlstate == no_right) return false;
  const std::string_view group = sqlstate.substr(0, 2);
  return group == about_function || std::find(about_table.begin(), about_table.end(), group) != about_table.end();
}

std::string right_to_give(const model::Name& table, const std::string& role, std::string_view sqlstate,
                          std::string_view what) {
  if (sqlstate != no_right) return "";
  const std::string receiver = quote_identifier(role);
  if (what.find("row-level security") != std::string_view::npos)
    return "ALTER ROLE " + receiver + " BYPASSRLS on the target, or let that role own the table; then sync again";
  return "GRANT USAGE ON SCHEMA " + quote_identifier(table.schema) + " TO " + receiver +
         "; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON " + quote_name(table) + " TO " + receiver +
         "; on the target, then sync again";
}

std::string refusal(const std::string& what, const Error& error, const std::string& sqlstate,
                    const Diagnosis& diagnosis) {
  const std::string constraint = diagnosis.constraint.empty() ? "" : " (constraint " + diagnosis.constraint + ")";
  if (sqlstate == unique_violation) return what + " met a row with the same key on the target" + constraint;
  if (error.fault == Fault::differs) return what + " did not meet exactly one row on the target: " + error.what;
  std::string sentence = what + " was refused by the target: " + error.what;
  if (sqlstate == undefined_function)
    sentence +=
        "; a constraint or trigger calls it without its schema, and no search_path is set here: write the schema "
        "there, or ALTER FUNCTION ... SET search_path";
  if (!diagnosis.column.empty() && error.what.find(diagnosis.column) == std::string::npos)
    sentence += ", column " + diagnosis.column;
  return error.what.find(diagnosis.constraint) == std::string::npos ? sentence + constraint : sentence;
}

}  // namespace tributary::postgres::apply
