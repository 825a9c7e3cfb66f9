#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "engine/base/backoff.h"
#include "engine/base/clock.h"
#include "operator/kube/client.h"
#include "operator/kube/store.h"
#include "operator/kube/watch_record.h"
#include "operator/kube/watch_state.h"

namespace tributary::kube {

struct WatchOptions {
  Resource resource;
  Selection selection = {};
  // Cuts an object down to what the operator reads, before it is stored. Managed fields and the last-applied
  // annotation are dropped in any case.
  std::function<void(Object&)> slim = {};
  ClientOptions client = {};  // for the lists
  StreamLimits limits = {};   // for the streams
  std::int64_t page = 500;
  Seconds timeout{300};  // the server is asked to end a stream after timeout to 2 * timeout, at random
  Backoff::Limits backoff = {};
  Milliseconds reopen_wait{1'000};  // between tries to open a stream over a broken connection
};

// Keeps a store equal to the server by list and watch (watch_state.h) and tells a handler of each change, in order,
// from the watch's own thread. The handler must be quick: the server closes a stream that is not read. The
// transport and store outlive the watch; destruction stops and joins.
class Watch {
 public:
  using Handler = std::function<void(const Change&)>;

  Watch(Transport& transport, WatchOptions options, Store& store, Handler handler);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void stop();
  // Thread-safe, like the next.
  WatchHealth health() const { return record_.health(); }
  const WatchOptions& options() const { return options_; }
  const Store& store() const { return store_; }

 private:
  void run(std::stop_token stop);
  watching::Input perform(const watching::State& state, std::stop_token stop);
  watching::Input list_page(const watching::Listing& state, std::stop_token stop);
  watching::Input open(const watching::Opening& state, std::stop_token stop);
  watching::Input read(std::stop_token stop);
  watching::Input pause(const watching::Pausing& state, std::stop_token stop);
  void carry_out(watching::Effect effect);
  void deliver(std::vector<Change> changes, bool initial);
  Object slimmed(Object object) const;
  void report(const watching::Trouble& trouble) const;

  Transport& transport_;
  const WatchOptions options_;
  Store& store_;
  const Handler handler_;
  std::unique_ptr<Stream> lines_;
  Store::Content pages_;  // of the list under way
  Backoff backoff_;
  SteadyTime last_backoff_;
  WatchRecord record_;
  std::jthread thread_;
};

}  // namespace tributary::kube
