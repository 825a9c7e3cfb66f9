#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operator/replication/listen.h"
#include "operator/replication/scope.h"

namespace tributary::replication {

// What there is to tell at this moment.
struct MetricsView {
  const std::vector<std::unique_ptr<Scope>>& scopes;
  const Listener& listener;
  const std::map<std::string, std::uint64_t>& orphaned;  // by namespace: deletions that left something on the source
  // Whether this process reconciles. One that waits for its turn sees the same objects and says nothing of them: each
  // has its series once, and not once for every replica of the operator.
  bool at_work = false;
  WallTime now = {};
};

// `replication_*` in Prometheus' text format (docs/metrics.md). All is read from the caches, and from what engines said
// last, while it is written: nothing is kept for an object, and what is deleted is told no more.
std::string replication_metrics(const MetricsView& view);

}  // namespace tributary::replication
