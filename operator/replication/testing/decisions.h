#pragma once

#include <string>
#include <vector>

#include "operator/replication/decide.h"
#include "operator/replication/testing/scene.h"

// Decisions in words, and scenes further on in a Replication's life.
namespace tributary::replication::testing {

// The kinds of its actions, in order.
std::vector<std::string> names(const Decision& decision);
std::string reason(const Decision& decision, const char* type = "Ready");
std::string message(const Decision& decision, const char* type = "Ready");
v1alpha1::Truth truth(const Decision& decision, const char* type);
bool stalled(const Decision& decision);
// decide(), whose status must be one that the CRD takes.
Decision look(const Observed& seen);
// The scene after `decision` was carried out and published.
Observed after(Observed seen, const Decision& decision);
// With its Job, whose pod's container is as given.
Observed with_engine(Container engine);
// With a Job that has ended.
Observed finished(Container engine, JobState state);
// A snapshot that succeeded and was recorded.
Observed completed();
// A stream, of SnapshotAndSync or Sync, whose engine follows without lag.
Observed followed(v1alpha1::Mode mode = v1alpha1::Mode::snapshot_and_sync);
// One whose engine ended with exit code 2 and this report, recorded.
Observed refused(const std::string& termination_message);

}  // namespace tributary::replication::testing
