#include "operator/kube/worker.h"

#include <exception>
#include <utility>

#include "engine/base/log.h"

namespace tributary::kube {
namespace {

Result<Requeue> guarded(const Reconcile& reconcile, const Key& key, std::stop_token stop) {
  try {
    return reconcile(key, std::move(stop));
  } catch (const std::exception& e) {
    return Error{Fault::failed, std::string("uncaught exception: ") + e.what()};
  } catch (...) {
    return Error{Fault::failed, "uncaught exception of an unknown type"};
  }
}

}  // namespace

Next next_for(const Result<Requeue>& outcome) {
  if (outcome.ok()) return outcome->after ? Next::again : Next::forget;
  return Next::back_off;
}

Workers::Workers(std::string name, Queue& queue, Reconcile reconcile, int threads)
    : name_(std::move(name)), queue_(queue), reconcile_(std::move(reconcile)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this](std::stop_token stop) { work(std::move(stop)); });
}

Workers::~Workers() {
  stop();
}

void Workers::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Workers::work(std::stop_token stop) {
  while (const std::optional<Key> key = queue_.take(stop)) {
    serve(*key, stop);
    queue_.done(*key);
  }
}

void Workers::serve(const Key& key, std::stop_token stop) {
  const Result<Requeue> outcome = guarded(reconcile_, key, stop);
  const Next next = next_for(outcome);
  if (!outcome.ok() && !stop.stop_requested()) {
    // A conflict is how a look that was too old shows: the next one mends it.
    const auto say = outcome.error().fault == Fault::conflict ? log::debug : log::warn;
    say("reconcile failed", {{"controller", name_},
                             {"key", key.text()},
                             {"fault", name_of(outcome.error().fault)},
                             {"error", describe(outcome.error())}});
  }
  switch (next) {
    case Next::forget:
      return queue_.forget(key);
    case Next::again:
      queue_.forget(key);
      return queue_.add_after(key, *outcome->after);
    case Next::back_off:
      return queue_.add_rate_limited(key);
  }
}

}  // namespace tributary::kube
