#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <openssl/ssl.h>

#include "operator/kube/testing/fake_api_server.h"
#include "operator/kube/testing/wire.h"
#include "operator/kube/testing/world.h"

namespace tributary::kube::testing {

// The fake API server's connections. One lock for everything; `changed` announces new history and orders to streams.
class FakeApiServer::Self {
 public:
  explicit Self(Options options);
  ~Self();

  struct StreamState {
    std::string plural = {};
    bool end = false, reset = false, silent = false;
    int bookmarks = 0;
    std::string raw = {};
    StreamFault fault = {};
    SteadyTime bookmarked = SteadyClock::now();
  };

  Options options;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  World world;
  Fate fate;
  int failures_left = 0;
  Misfortune failure;
  StreamFault stream_fault;
  std::vector<Served> served;
  std::list<StreamState> streams;
  std::size_t chunk_bytes = 0;
  std::uint16_t port = 0;
  bool stopping = false;

  void order(const std::function<void(StreamState&)>& change) {
    const std::lock_guard lock(mutex);
    for (StreamState& stream : streams) change(stream);
    changed.notify_all();
  }
  void show_certificate();
  StreamFault fault_of(const std::string& plural) const {
    return stream_fault.plural.empty() || stream_fault.plural == plural ? stream_fault : StreamFault{};
  }

 private:
  void accept_all();
  void converse(const std::shared_ptr<Wire>& wire);
  bool serve(Wire& wire, const HttpRequest& request);
  bool befall(Wire& wire, const Misfortune& misfortune, const std::optional<Call>& call);
  bool execute(Wire& wire, const Misfortune& misfortune, const Call& call);
  Misfortune fate_of(const Served& request);
  void wait_out(Milliseconds delay);

  bool stream(Wire& wire, const Call& call);
  bool pump(Wire& wire, const Call& call, std::uint64_t version, StreamState& state);
  std::string initial_frames(const Call& call) const;
  std::string frames_since(const Call& call, std::uint64_t& version, std::size_t& read, Milliseconds late) const;
  std::string bookmarks_of(const Call& call, std::uint64_t version, StreamState& state) const;
  bool send_split(Wire& wire, const std::string& bytes, StreamState& state);

  int listener_ = -1;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls_{nullptr, SSL_CTX_free};
  std::list<std::weak_ptr<Wire>> wires_;
  std::list<std::thread> conversations_;
  std::thread acceptor_;
};

}  // namespace tributary::kube::testing
