#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/api/progress.h"
#include "operator/replication/observed.h"

namespace tributary::replication {

// Asks one engine for its progress. Any failure only means that there is no answer now.
using AskEngine = std::function<Result<api::Progress>(const std::string& pod_ip, std::stop_token)>;

// GET http://<pod_ip>:8080/status within two seconds, at most 1 MiB.
AskEngine ask_over_http();

// Remembers since when each engine has not answered. Thread-safe.
class Listener {
 public:
  explicit Listener(AskEngine ask) : ask_(std::move(ask)) {}

  // What the running engine among `pods` says; nothing when none runs.
  std::optional<Voice> listen(const std::string& uid, const std::vector<Pod>& pods, WallTime now, std::stop_token stop);
  // The Replication of this UID is gone or needs no engine.
  void forget(const std::string& uid);

 private:
  struct Silence {
    std::string pod;
    WallTime since;
  };
  WallTime silent_since(const std::string& uid, const Pod& pod, WallTime now);

  const AskEngine ask_;
  std::mutex mutex_;
  std::map<std::string, Silence> silent_;  // by the Replication's UID
};

}  // namespace tributary::replication
