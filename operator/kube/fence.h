#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/base/until.h"
#include "operator/kube/transport.h"

// What keeps an operator that does not lead, or does not know any more whether it does, from changing anything.
//
// The holder of a lease sends its renewal at t0. Nobody sees that renewal before t0, and whoever waits for the lease
// takes it no sooner than Terms::lease (15 s) after he has seen the record change for the last time: not before
// t0 + 15 s, however his clock differs, if it runs no faster than ours by half. The fence is open until t0 +
// Terms::renew (10 s) and asked right before each change is sent; a change gets no longer than that for its answer, and
// the API server is told the same (`timeout`), so that it gives up by itself what it has not carried out.
//
// A process may be frozen between the question and the bytes, and what the API server is told counts from when it has
// the request. The transport therefore sends a body within 4 s of the question or not at all: it looks at the clock
// once more when the HTTP library takes up the body (transport.h), and without its body no change is executed. So the
// last change of one leader is over 1 s before the first of another, whatever the connection took.
//
// What remains: a process that is frozen in the microseconds between that and its system call, bytes that a network
// delivers more than 5 s after they were sent, an API server that exceeds the time it was given, a machine that is
// stopped together with its clock, and a Lease that a person deletes or edits. A change that arrives late in one of
// these ways meets names that derive from UIDs and attempts, so that creating meets what is there; UIDs on every
// deletion of a Job or Deployment and resourceVersions on finalizers and status, so that it fails with 409 once the
// other leader has replaced what it was decided on; intents that the other leader sees in its watch and corrects; and
// ConfigMaps that are restored where a pod waits for one. An order to release has no body, and is looked at once, right
// before it is given to the HTTP library; one that an engine hears late was right when it was sent, and the other
// leader would have given it for the same spec.
namespace tributary::kube {

class Fence {
 public:
  // `lease`: what it is named by in errors. Closed at first.
  explicit Fence(std::string lease) : lease_(std::move(lease)) {}
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;

  // A change on its way; the fence outlives it.
  class Pass {
   public:
    Deadline deadline() const { return deadline_; }

   private:
    friend class Fence;
    struct Leave {
      void operator()(Fence* fence) const { fence->leave(); }
    };
    Pass(Fence* fence, Deadline deadline) : fence_(fence), deadline_(deadline) {}
    std::unique_ptr<Fence, Leave> fence_;
    Deadline deadline_;
  };

  // `fenced` when it is closed, now or for good. Else the change must be over at the pass's deadline: the wanted one or
  // the end of the leadership.
  Result<Pass> pass(Deadline wanted);
  // The change of this pass was not answered: it may be carried out until its deadline.
  void doubt(const Pass& pass);

  // Opens it until then. False, and no effect, once it was closed or its time has passed: what was lost stays lost.
  bool extend(SteadyTime until);
  // For good. Whether all changes on their way are over in time, those of unknown outcome included.
  bool close(Until until);

 private:
  void leave();

  const std::string lease_;
  std::mutex mutex_;
  std::condition_variable_any left_;
  std::optional<SteadyTime> until_;
  bool closed_ = false;
  int inside_ = 0;
  SteadyTime doubtful_until_ = {};  // long ago
};

// Reads as they are; changes only through the fence. Threads as the inner transport, which outlives it like the fence.
class FencedTransport final : public Transport {
 public:
  FencedTransport(Transport& inner, Fence& fence) : inner_(inner), fence_(fence) {}

  Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop) override;
  Result<Opened> open(const Request& request, const StreamLimits& limits, std::stop_token stop) override;
  std::string host() const override { return inner_.host(); }

 private:
  Transport& inner_;
  Fence& fence_;
};

}  // namespace tributary::kube
