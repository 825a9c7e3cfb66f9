#pragma once

#include <string>
#include <vector>

namespace tributary::testbed {

// What a database is made of, one line per fact, sorted: schemas, types, functions, relations with their columns,
// indexes, constraints, triggers, rules, policies, views, sequences, statistics, text search, foreign data, extensions,
// event triggers, owners, grants, comments. By the tests' own SQL over the catalog, none of the engine's.
// Publications, subscriptions and schema _tributary are left out. Definitions are spelt by the server, so compare
// databases of one server, or of one major.
std::vector<std::string> structure(const std::string& uri);

// "- line" for what only `wanted` has and "+ line" for what only `got` has; "" when they are equal.
std::string difference(const std::vector<std::string>& wanted, const std::vector<std::string>& got);

}  // namespace tributary::testbed
