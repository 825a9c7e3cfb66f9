#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "operator/kube/watch_state.h"

namespace tributary::kube {

// How a watch fares, for metrics and probes.
struct WatchHealth {
  SteadyTime begun;
  bool forbidden = false;                   // the server refuses it, as it answered last
  std::optional<std::string> trouble = {};  // the last one, unless something went well since
  // By cause, each of watching::causes(): streams that were opened again, and lists after the first.
  std::map<std::string, std::uint64_t> restarts;
  std::map<std::string, std::uint64_t> relists;
};

// Keeps the health of one watch. Thread-safe.
class WatchRecord {
 public:
  WatchRecord();

  void note(const watching::Input& input);
  void note(watching::Turn turn, const std::string& cause);
  WatchHealth health() const;

 private:
  mutable std::mutex mutex_;
  WatchHealth health_;
};

}  // namespace tributary::kube
