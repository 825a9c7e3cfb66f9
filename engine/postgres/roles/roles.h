#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/roles/statement.h"

// The roles of a server, made from its catalogs. Predefined roles (pg_*) and those of the provider that runs the source
// are passed over; a role that merely looks like one of theirs is left out and reported, if anybody uses it.
// A role that the target has already is kept as it is: what differs is reported, never changed.
namespace tributary::postgres {

// What creates on `target` the roles of `source` that it lacks: attributes as far as the target's role may set them,
// memberships, settings, comments, and passwords where the source lets us read their verifiers. For the whole server.
Result<std::vector<Statement>> role_statements(Connection& source, Connection& target,
                                               std::vector<api::Finding>& findings, const Until& until);

// Carries them out as one transaction: a role that exists is taken for complete ever after. Tried again where others
// create roles at the same time. What the target refused and a role can do without is a finding.
Result<std::vector<api::Finding>> copy_roles(Connection& source, Connection& target, const Until& until);

}  // namespace tributary::postgres
