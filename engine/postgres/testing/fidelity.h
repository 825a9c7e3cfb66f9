#pragma once

#include "engine/testing/postgres_server.h"

namespace tributary::testbed {

// Fills a new database with every kind of object and value that the server's version knows: fidelity*.sql beside this
// file. Roles that it speaks of are created on the server and stay.
void fill_with_everything(const Database& database, int major);

// The roles alone, for a target whose roles are not under test.
void create_fidelity_roles(PostgresServer& server);

}  // namespace tributary::testbed
