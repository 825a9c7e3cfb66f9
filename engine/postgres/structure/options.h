#pragma once

#include <string>

// Options of what is foreign, which may be anything: passwords, tokens, keys.
namespace tributary::postgres::structure {

// SQL: "name=value, ..." of an array of options, NULL of NULL. The values of all whose name is not known to be harmless
// stand between two marks, so that they can be compared and are not told; with `all` those of all.
std::string options_of(const std::string& array, bool all = false);
// A definition as it may be told. Pure.
std::string without_secrets(const std::string& definition);

}  // namespace tributary::postgres::structure
