#pragma once

#include <functional>
#include <memory>

#include "engine/api/spec.h"
#include "engine/pipeline/servers.h"

namespace tributary::postgres {

// Makes the ends of the stream of one database's copy.
using OpenDrain = std::function<std::unique_ptr<pipeline::DrainEnds>(const pipeline::DatabasePair&)>;

// Both ends of `spec` as PostgreSQL servers. Connects nowhere yet: the first call that needs a server does, and
// reads the credentials at every connect anew. Without `drain`, no attempt of a copy goes on with one before it.
std::unique_ptr<pipeline::Servers> make_servers(const api::Spec& spec, OpenDrain drain = {});

}  // namespace tributary::postgres
