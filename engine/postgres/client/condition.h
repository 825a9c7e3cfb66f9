#pragma once

#include <optional>
#include <string_view>

namespace tributary::postgres {

// What is said of an error in place of the server's own words, where these may hold values of a row: data exceptions
// (class 22), whatever a function of a user raises, and classes that the server does not raise itself. Nothing where
// they hold names of objects only. Pure. Names from the documentation's appendix "PostgreSQL Error Codes".
std::optional<std::string_view> condition_of(std::string_view sqlstate);

// Whether a statement about a shared catalog failed by this because another session wrote the same row of it first: it
// is there, or was changed meanwhile. Pure.
bool is_race_in_catalog(std::string_view sqlstate);

}  // namespace tributary::postgres
