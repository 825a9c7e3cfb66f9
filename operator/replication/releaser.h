#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "operator/kube/fence.h"
#include "operator/replication/observed.h"

namespace tributary::replication {

// Tells one engine to release what its stream holds, and gives the status of its answer. Nothing is told after `until`.
using TellEngine = std::function<Result<int>(const std::string& pod_ip, const std::string& token, bool forget, Until)>;

// POST http://<pod_ip>:8080/release.
TellEngine tell_over_http();
// An order changes something, though not on the API server: it goes through the fence, and is over when the leadership
// is. The fence outlives it.
TellEngine fenced(kube::Fence& fence, TellEngine tell);

// Orders engines to give back what they hold, and remembers what they said. The token of an order is the HMAC of the
// Replication's UID under a key that never leaves the operator; an engine knows its hash alone. Thread-safe.
class Releaser {
 public:
  Releaser(TellEngine tell, std::stop_token stop) : tell_(std::move(tell)), stop_(std::move(stop)) {}

  // Before anything else; without a key there are no orders.
  void set_key(std::string key) { key_ = std::move(key); }
  // What an engine of this Replication is to know; "" without a key.
  std::string token_hash(const std::string& uid) const;

  // `first`: what was answered to earlier orders is of another stream.
  void order(const std::string& uid, const std::string& pod_ip, bool forget, bool first);
  ReleaseAnswer answer(const std::string& uid) const;
  // The Replication of this UID is gone.
  void forget(const std::string& uid);

 private:
  std::string token(const std::string& uid) const;
  void remember(const std::string& uid, ReleaseAnswer answer);

  const TellEngine tell_;
  const std::stop_token stop_;
  std::string key_;
  mutable std::mutex mutex_;
  std::map<std::string, ReleaseAnswer> answers_;  // by the Replication's UID
};

}  // namespace tributary::replication
