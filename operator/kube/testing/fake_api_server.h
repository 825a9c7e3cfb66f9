#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "operator/kube/config.h"
#include "operator/kube/object.h"
#include "operator/kube/request.h"
#include "operator/kube/testing/world.h"

// An API server in this process, on loopback, for tests: real HTTP, so that the transport and its traps are part of
// what is tested. What it answers is compared with a real server by the scenario e2e/kube-conformance.
// It keeps: one resource version for all kinds, optimistic concurrency, UIDs, generation, status isolation,
// finalizers with deletionTimestamp, create/get/list (pages of one moment, tokens that expire, versions that are too
// large)/watch (bookmarks, 410)/delete, apply, merge and JSON patch, label and field selectors, PartialObjectMetadata,
// pruning by a schema, and garbage collection where it is asked for. It has no defaults, validation or RBAC.
namespace tributary::kube::testing {

// What to do to a request instead of serving it.
struct Misfortune {
  enum class Kind {
    none,
    answer,        // `status` with a Status body of `reason`, without executing
    drop,          // close the connection without executing
    drop_after,    // execute, then close the connection without an answer
    stall,         // keep the connection, never answer
    answer_after,  // execute, then answer `status` all the same
    twice,         // execute twice, as what repeats a request on its way; the second answer counts
    cut,           // execute, then break off in the middle of the answer
    stale,         // answer a list as it was at `version`
    forestall,     // somebody else puts `details` into the collection first
    late,          // execute, then answer after `delay`
  };
  Kind kind = Kind::none;
  int status = 500;
  std::string reason = {};
  std::string message = {};
  int retry_after_seconds = 0;
  Json details = {};  // of the Status
  std::uint64_t version = 0;
  Milliseconds delay{0};  // before anything else, but where it is `late`
};

// What is done to watches, to those that are open and those to come.
struct StreamFault {
  std::string plural = {};                    // of this kind alone; empty: of all
  std::optional<std::size_t> cut_after = {};  // so many bytes on the wire, then a reset
  Milliseconds late{0};                       // events come so much later
  bool silent = false;                        // nothing is sent and nothing ends
  bool no_bookmarks = false;
};

struct Served {
  Method method = Method::get;
  std::string path;  // decoded, without the query
  std::string query;
  std::string authorization;
  std::string content_type;
  std::string user_agent;
  std::string body;
  std::uint64_t version = 0;  // of everything when it came
};

class FakeApiServer {
 public:
  struct Options {
    std::string token = {};             // when given, any other bearer is answered 401
    std::string certificate_file = {};  // PEM; when given, the server speaks TLS
    std::string key_file = {};
    int tls_at_most = 0;  // a TLS version of OpenSSL (TLS1_1_VERSION); 0: the newest
    std::function<WallTime()> clock = std::chrono::system_clock::now;
    // As where the controllers of a cluster run: dependents of what is gone go too, foreground deletion waits for them,
    // and a pod that is deleted stays until somebody who plays its kubelet erases it.
    bool as_cluster = false;
    Milliseconds bookmark_every{0};  // 0: when bookmark() is called
  };

  FakeApiServer();
  explicit FakeApiServer(Options options);
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  std::string url() const;       // "http://127.0.0.1:port"
  ClusterConfig config() const;  // a client's configuration for it, with the token

  // Kinds beyond the built-in ones of kinds.h; `status_subresource` isolates status from the main resource.
  // What `schema`, the openAPIV3Schema of a CRD, does not know is pruned; without one nothing is.
  void serve(const Resource& resource, bool status_subresource = true, Json schema = {});
  // Not any more, as when a CRD is removed. Its objects are there again when it is served again.
  void withdraw(const Resource& resource);

  // The world behind the API, without a request: put() creates or overwrites (status included) and answers the
  // object as stored; erase() removes at once, finalizers or not. Both send watch events.
  Object put(const Resource& resource, Json object);
  // put() of an object that nobody has changed since it was read; false where somebody has.
  bool put_if_unchanged(const Resource& resource, const Json& object);
  void erase(const Resource& resource, const Key& key);
  Object find(const Resource& resource, const Key& key) const;  // a JSON null where there is none
  std::vector<Object> all(const Resource& resource) const;
  std::uint64_t version() const;
  std::vector<Logged> history(std::size_t from = 0) const;  // everything that ever happened

  // Asked for each request before it is served; the first `misfortune` that is not `none` befalls it.
  using Fate = std::function<Misfortune(const Served&)>;
  void set_fate(Fate fate);
  void fail_next(int count, Misfortune misfortune);
  void set_token(std::string token);
  // Ends all connections and shows another certificate from then on; for one that speaks TLS.
  void present(const std::string& certificate_file, const std::string& key_file);

  // Watches: forget history so that older versions get 410; end all streams cleanly, by reset or without a word
  // (half-open: the connection stays, nothing comes); send a raw frame; bookmark now.
  void compact();
  void end_streams();
  void reset_streams();
  void silence_streams();
  void send_raw(const std::string& bytes);
  void bookmark();
  // Sends watch bytes in HTTP chunks of this many bytes, 0: a chunk per event.
  void split_chunks(std::size_t bytes);
  void disturb_streams(const StreamFault& fault);  // until it is called again
  std::size_t open_streams() const;
  bool wait_for_streams(std::size_t count, Milliseconds limit) const;

  std::vector<Served> served() const;
  void forget_served();

 private:
  class Self;
  std::unique_ptr<Self> self_;
};

}  // namespace tributary::kube::testing
