#include "operator/kube/worker.h"

#include <exception>
#include <random>
#include <utility>

#include "engine/base/log.h"

namespace tributary::kube {
namespace {

Result<Requeue> guarded(const Reconcile& reconcile, const Key& key, std::stop_token stop, bool& thrown) {
  try {
    return reconcile(key, std::move(stop));
  } catch (const std::exception& e) {
    thrown = true;
    return Error{Fault::failed, std::string("uncaught exception: ") + e.what()};
  } catch (...) {
    thrown = true;
    return Error{Fault::failed, "uncaught exception of an unknown type"};
  }
}

PassEnd end_of(Next next, bool thrown) {
  if (thrown) return PassEnd::panic;
  switch (next) {
    case Next::forget:
      return PassEnd::success;
    case Next::again:
      return PassEnd::requeue_after;
    case Next::back_off:
      return PassEnd::error;
  }
  std::abort();
}

// Tells the passes of one process apart, and those of several in all likelihood.
std::string random_id() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  constexpr const char* digits = "0123456789abcdef";
  std::uint64_t number = random();
  std::string id;
  for (int i = 0; i < 16; ++i, number >>= 4) id += digits[number & 15];
  return id;
}

}  // namespace

Next next_for(const Result<Requeue>& outcome) {
  if (outcome.ok()) return outcome->after ? Next::again : Next::forget;
  return Next::back_off;
}

Workers::Workers(std::string name, Queue& queue, Reconcile reconcile, int threads, Meter& meter)
    : name_(std::move(name)), queue_(queue), reconcile_(std::move(reconcile)), meter_(meter) {
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
  const SteadyTime began = SteadyClock::now();
  {
    const std::lock_guard lock(mutex_);
    in_hand_[key] = began;
  }
  const PassEnd end = pass(key, std::move(stop));
  {
    const std::lock_guard lock(mutex_);
    in_hand_.erase(key);
  }
  meter_.pass_ended(end, SteadyClock::now() - began);
}

PassEnd Workers::pass(const Key& key, std::stop_token stop) {
  const log::Context context({{name_, key.text()}, {"reconcileID", random_id()}});
  bool thrown = false;
  const Result<Requeue> outcome = guarded(reconcile_, key, stop, thrown);
  const Next next = next_for(outcome);
  if (!outcome.ok() && !stop.stop_requested()) {
    // A conflict is how a look that was too old shows: the next one mends it.
    const auto say = outcome.error().fault == Fault::conflict ? log::debug : log::warn;
    say("reconcile failed", {{"fault", name_of(outcome.error().fault)}, {"error", describe(outcome.error())}});
  }
  switch (next) {
    case Next::forget:
      queue_.forget(key);
      break;
    case Next::again:
      queue_.forget(key);
      queue_.add_after(key, *outcome->after);
      break;
    case Next::back_off:
      queue_.add_rate_limited(key);
      break;
  }
  return end_of(next, thrown);
}

std::vector<InHand> Workers::in_hand() const {
  const std::lock_guard lock(mutex_);
  std::vector<InHand> all;
  for (const auto& [key, since] : in_hand_) all.push_back({key, since});
  return all;
}

}  // namespace tributary::kube
