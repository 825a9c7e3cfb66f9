#pragma once

#include <string>

namespace tributary::testbed {

// A program of PostgreSQL's newest client in the cache.
std::string client_program(const std::string& name);

// Brings a database to another server by PostgreSQL's own programs, for the spelling that the other server gives to
// every definition. They stumble over settings that an older server does not know, so their status says nothing.
// Publications and subscriptions are left out, as the engine does.
void restore(const std::string& source, const std::string& target);

}  // namespace tributary::testbed
