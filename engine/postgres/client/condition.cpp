#include "engine/postgres/client/condition.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tributary::postgres {
namespace {

// Classes whose messages name objects, settings and limits.
constexpr std::array<std::string_view, 32> told{"00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P",
                                                "20", "21", "23", "24", "25", "26", "27", "28", "2B", "2D", "2F",
                                                "34", "3B", "3D", "3F", "40", "42", "44", "53", "54", "55"};
constexpr std::array<std::string_view, 5> told_of_the_server{"57", "58", "72", "F0", "XX"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 24> conditions{{
    {"22001", "a string is too long for its column"},
    {"22003", "a number is out of range"},
    {"22004", "a null value is not allowed"},
    {"22007", "a date or time is malformed"},
    {"22008", "a date or time is out of range"},
    {"22009", "a time zone displacement is not valid"},
    {"22012", "division by zero"},
    {"22021", "bytes that are no character in the encoding"},
    {"22023", "a parameter has a value that is not valid"},
    {"22026", "a bit string has the wrong length"},
    {"2200M", "an XML document is malformed"},
    {"2200N", "XML content is malformed"},
    {"22030", "a JSON object has a key twice"},
    {"22032", "JSON text is malformed"},
    {"22P01", "a floating-point exception"},
    {"22P02", "a value's text is malformed for its type"},
    {"22P03", "a value's binary representation is malformed for its type"},
    {"22P04", "a COPY row does not fit the table's columns"},
    {"22P05", "a character has no equivalent in the other encoding"},
    {"P0000", "an error in a PL/pgSQL function"},
    {"P0001", "an exception raised by a function or trigger"},
    {"P0002", "a function found no row"},
    {"P0003", "a function found more than one row"},
    {"P0004", "an assertion in a function failed"},
}};

bool holds(const auto& classes, std::string_view group) {
  return std::find(classes.begin(), classes.end(), group) != classes.end();
}

}  // namespace

std::optional<std::string_view> condition_of(std::string_view sqlstate) {
  const std::string_view group = sqlstate.substr(0, 2);
  if (holds(told, group) || holds(told_of_the_server, group)) return std::nullopt;
  const auto known = std::find_if(conditions.begin(), conditions.end(),
                                  [&](const auto& condition) { return condition.first == sqlstate; });
  if (known != conditions.end()) return known->second;
  if (group == "22") return "a value is not valid";
  return "an error that a function, trigger or extension raised";
}

bool is_race_in_catalog(std::string_view sqlstate) {
  return sqlstate == "23505" || sqlstate == "XX000";
}

}  // namespace tributary::postgres
