#pragma once

#include <string>

#include "operator/replication/decide.h"
#include "operator/replication/observed.h"
#include "operator/replication/resources.h"

// A Replication `prod/shop` at noon and what may surround it, for tests of pure functions.
namespace tributary::replication::testing {

inline const WallTime noon = WallTime(Seconds(1'700'000'000));
inline constexpr const char* uid = "11111111-2222-3333-4444-555555555555";

// Running, finalized, both Secrets there, nothing else; no comparison is asked for.
Observed scene();

// The Job that decide() creates for it, as it looks once it is there.
Job job_of(const Observed& seen, int attempt = 1, const Before& before = {});
Pod pod_of(const Job& job, Container engine);

Container waiting(const std::string& reason, const std::string& message);
Container running();
Container ended(int exit_code, const std::string& message = "", const std::string& reason = "Error");

// A termination message as the engine writes it.
std::string report(int exit_code, const std::string& reason, const std::string& message, const std::string& hint = "",
                   const std::string& of = uid);
// Answer of GET /status in the middle of a copy.
api::Progress copying(int percent);
// The same of a stream of one database, shop.
api::Progress following(std::uint64_t lag_seconds);
// And of one that only holds its slot.
api::Progress holding();
// The pod of a stream's Deployment.
Pod stream_pod(Container engine);

}  // namespace tributary::replication::testing
