#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/api/progress.h"
#include "operator/replication/lag.h"
#include "operator/replication/observed.h"

namespace tributary::replication {

// Asks one engine for its progress. Any failure only means that there is no answer now.
using AskEngine = std::function<Result<api::Progress>(const std::string& pod_ip, std::stop_token)>;

// Where the engine of a pod serves: "http://10.0.0.7:8080".
std::string engine_url(const std::string& pod_ip);

// GET http://<pod_ip>:8080/status within two seconds, at most 1 MiB.
AskEngine ask_over_http();

// Asks each engine every few seconds and no oftener, however often it is listened to: a status written because of an
// answer wakes the operator again, which must not lead to the next question. Remembers since when an engine has been
// silent. Thread-safe.
class Listener {
 public:
  explicit Listener(AskEngine ask) : ask_(std::move(ask)) {}

  // What the running engine among `pods` says, or said a moment ago; nothing when none runs.
  // An answer counts that names `identity`. `uid` is the Replication's.
  std::optional<Voice> listen(const std::string& uid, const std::string& identity, const std::vector<Pod>& pods,
                              WallTime now, std::stop_token stop);
  // The figures of its last answer, as long as one that is late by no more than a minute counts.
  Figures figures(const std::string& uid, WallTime now) const;
  // The Replication of this UID is gone or needs no engine.
  void forget(const std::string& uid);

 private:
  struct Memory {
    std::string pod = {};  // UID
    std::optional<WallTime> asked = {};
    Voice voice = {};
    Figures figures = {};  // of the last answer
    WallTime heard = {};   // when that was
  };
  std::optional<Voice> recent(const std::string& uid, const Pod& pod, WallTime now);

  const AskEngine ask_;
  mutable std::mutex mutex_;
  std::map<std::string, Memory> memory_;  // by the Replication's UID
};

}  // namespace tributary::replication
