#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "engine/base/until.h"
#include "operator/kube/client.h"
#include "operator/kube/event_series.h"
#include "operator/kube/object.h"

namespace tributary::kube {

enum class EventKind { normal, warning };

// What `kubectl describe` shows under an object. `reason` and `action` are CamelCase words, `note` is for people and
// cut at 1 KiB, the API's limit.
struct EventNote {
  EventKind kind = EventKind::normal;
  std::string reason;
  std::string action;
  std::string note;
};

// The events.k8s.io/v1 Event about `regarding`; in `default` for cluster-wide objects. Pure.
Object event_object(const Object& regarding, const EventNote& note, const std::string& controller,
                    const std::string& instance, WallTime now, const std::string& suffix);

struct EventLimits {
  int tries = 12;
  Milliseconds retry_wait{10'000};
};

// Writes Events on a thread of its own, as client-go does: what is told again is counted (event_series.h), and what
// does not reach the server is sent again, twelve times within two minutes. Best effort: at most 1000 waiting, dropped
// beyond that and when the server refuses; nobody waits for one. The transport outlives it. Destruction drops what is
// unsent.
class Events {
 public:
  Events(Transport& transport, std::string controller, std::string instance, EventLimits limits = {});
  ~Events();
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  // Thread-safe, never blocks on the server.
  void emit(const Object& regarding, const EventNote& note);
  // Takes none any more, and waits until those that there are were sent, none more than once. Thread-safe.
  void finish(Until until);

 private:
  struct Pending {
    EventWrite write;
    int tries = 0;
    SteadyTime due = {};  // of the next try
  };
  void run(std::stop_token stop);
  struct Round {
    std::deque<Pending> due;
    bool last = false;
  };
  Round collect(EventSeries& series, std::deque<Pending>& again, std::stop_token stop);
  bool settle(const Client& client, Pending& pending) const;

  Transport& transport_;
  const std::string controller_;
  const std::string instance_;
  const EventLimits limits_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Object> told_;
  std::size_t unsent_ = 0;  // besides those
  bool closed_ = false;
  bool is_through_ = false;
  std::jthread thread_;
};

}  // namespace tributary::kube
