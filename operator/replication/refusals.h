#pragma once

#include <map>
#include <mutex>
#include <string>

#include "engine/base/clock.h"
#include "operator/kube/client.h"

namespace tributary::replication {

// Why Jobs could not create their pods, as the Job controller complains of it in Events. One list answers for all Jobs
// of a namespace for three seconds, less than what decide() waits between two looks. Thread-safe; nobody waits for a
// list that another makes. The client outlives it.
class Refusals {
 public:
  explicit Refusals(const kube::Client& client) : client_(client) {}

  // The newest complaint about the Job of this UID; empty where none is known. Best effort: where Events cannot be
  // listed, what was known stands.
  std::string of(const std::string& space, const std::string& job_uid, WallTime now);

 private:
  struct Complaint {
    std::string time = {};
    std::string message = {};
  };
  using Complaints = std::map<std::string, Complaint>;  // by the Job's UID
  struct Memory {
    WallTime listed = {};
    Complaints complaints = {};
  };

  bool is_due(const std::string& space, WallTime now);
  Result<Complaints> list(const std::string& space) const;

  const kube::Client& client_;
  std::mutex mutex_;
  std::map<std::string, Memory> spaces_;
};

}  // namespace tributary::replication
