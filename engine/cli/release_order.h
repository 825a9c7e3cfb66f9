#pragma once

#include <atomic>
#include <functional>
#include <stop_token>
#include <string>

#include "engine/pipeline/sync.h"
#include "engine/serve/response.h"

namespace tributary::cli {

// POST /release: whoever started this engine ends its stream for good, without a word to either server. The engine
// knows the token that has to come with it by its hash alone. Thread-safe.
class ReleaseOrder {
 public:
  explicit ReleaseOrder(std::string token_sha256) : token_sha256_(std::move(token_sha256)) {}

  // No route without a token: then nobody may give the order. It answers 202 from the order on and 200 once it was
  // carried out; `?forget` makes the ledger forget, as `tributary release --forget`.
  serve::Routes routes();
  bool may_come() const { return !token_sha256_.empty(); }
  bool given() const { return given_.stop_requested(); }
  std::stop_token when_given() const { return given_.get_token(); }
  pipeline::Keep keep() const { return forget_ ? pipeline::Keep::data : pipeline::Keep::everything; }
  void carried_out() { done_ = true; }
  // Who gave the order has been told that it was carried out.
  std::stop_token when_heard() const { return heard_.get_token(); }

 private:
  serve::Response answer(const serve::Request& request);

  const std::string token_sha256_;
  std::stop_source given_;
  std::stop_source heard_;
  std::atomic<bool> forget_ = false;
  std::atomic<bool> done_ = false;
};

// How long the process waits at its end.
struct LastWaits {
  Milliseconds latecomer{3'000};      // for an order after a stop
  Milliseconds hearing{5'000};        // for who gave the order, before a process ends that was stopped
  Milliseconds long_hearing{60'000};  // and one that was not, whose end would only start another
  Milliseconds writing{200};          // for the answer that tells it to leave
};

// Does `work`, a copy or a stream, until a stop or the order, and in that case `release` afterwards; the report is the
// last one's. A stop leaves the order a moment to come: with a namespace, pod and stream are ended at the same time.
// Who gave it is left time to hear that it was carried out.
api::Report until_released(ReleaseOrder& order, const Until& until,
                           const std::function<api::Report(const Until&)>& work,
                           const std::function<api::Report(pipeline::Keep, const Until&)>& release,
                           const LastWaits& waits = {});

}  // namespace tributary::cli
