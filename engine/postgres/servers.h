#pragma once

#include <memory>

#include "engine/api/spec.h"
#include "engine/pipeline/servers.h"

namespace tributary::postgres {

// Both ends of `spec` as PostgreSQL servers. Connects nowhere yet: the first call that needs a server does, and
// reads the credentials at every connect anew.
std::unique_ptr<pipeline::Servers> make_servers(const api::Spec& spec);

}  // namespace tributary::postgres
