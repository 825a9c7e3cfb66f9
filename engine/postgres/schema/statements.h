#pragma once

#include <string>
#include <string_view>
#include <vector>

// The statements in a text of SQL, as the server's lexer would part them: a semicolon inside quotes ends nothing.
// For what pg_dump writes about grants, indexes and constraints: quoted names and strings, no bodies of functions.
namespace tributary::postgres {

// Without the semicolons; empty ones are dropped.
std::vector<std::string> split_statements(std::string_view sql);

}  // namespace tributary::postgres
