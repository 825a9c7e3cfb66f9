#pragma once

#include <string>
#include <vector>

#include "operator/kube/testing/fake_api_server.h"

// What is left of a run, and what may never have been.
namespace tributary::torture {

// An annotation that means nothing, and is left out.
inline constexpr const char* touched = "example.org/touched";

// Replications, Jobs, Deployments and ConfigMaps as text that is the same for two runs that came to the same. Left out:
// UIDs, resource versions, times, what was seen of Secrets (versions too), generations but those of Replications, and
// the parts of names that are made of a UID. Without Jobs: also Jobs, ConfigMaps, and what numbers and counts attempts,
// and what a release was.
std::string state_of(const kube::testing::FakeApiServer& server, bool without_jobs);

// The first line in which they differ.
std::string difference(const std::string& wanted, const std::string& found);

// What the history shows that may never be: two engines that copy or follow, two active Jobs of a snapshot, a status
// that goes to and fro, or back. Nothing when all was well.
// Ready may come back to each of its reasons `more` times than it did in a calm life.
std::vector<std::string> violations(const std::vector<kube::testing::Logged>& history,
                                    const std::vector<std::string>& calm, int more);

// How often a Job was to be created that was there when the request came: nobody who looks first does that.
int blind_creations(const std::vector<kube::testing::Served>& served,
                    const std::vector<kube::testing::Logged>& history);

// The reasons that Ready has had, in order.
std::vector<std::string> reasons(const std::vector<kube::testing::Logged>& history);

}  // namespace tributary::torture
