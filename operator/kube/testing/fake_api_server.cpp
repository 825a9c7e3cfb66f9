#include "operator/kube/testing/fake_api_server.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <list>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "operator/kube/testing/selector.h"
#include "operator/kube/testing/wire.h"
#include "operator/kube/testing/world.h"

namespace tributary::kube::testing {
namespace {

// /api/v1/... or /apis/<group>/<version>/..., then [namespaces/<space>/]<plural>[/<name>[/status]].
std::optional<Call> call_of(const HttpRequest& request) {
  const std::size_t mark = request.target.find('?');
  std::vector<std::string> parts;
  std::istringstream path(request.target.substr(0, mark));
  for (std::string part; std::getline(path, part, '/');)
    if (!part.empty()) parts.push_back(percent_decode(part));
  Call call;
  std::size_t next = 0;
  const auto take = [&] { return next < parts.size() ? parts[next++] : std::string(); };
  const std::string root = take();
  if (root != "api" && root != "apis") return std::nullopt;
  if (root == "apis") call.group = take();
  call.version = take();
  if (parts.size() - next >= 3 && parts[next] == "namespaces" && parts[next + 2] != "status") {
    take();
    call.key.space = take();
  }
  call.plural = take();
  call.key.name = take();
  call.status = take() == "status";

  std::istringstream query(mark == std::string::npos ? "" : request.target.substr(mark + 1));
  for (std::string pair; std::getline(query, pair, '&');) {
    const std::size_t equal = pair.find('=');
    call.query[percent_decode(pair.substr(0, equal))] =
        equal == std::string::npos ? "" : percent_decode(pair.substr(equal + 1));
  }
  for (const Method method : {Method::get, Method::post, Method::put, Method::patch, Method::remove})
    if (request.method == name_of(method)) call.method = method;
  const auto header = [&](const char* name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string() : found->second;
  };
  call.content_type = header("content-type");
  call.metadata_only = header("accept").find("as=PartialObjectMetadata") != std::string::npos;
  call.body = request.body;
  return call;
}

std::string frame(const char* type, const Json& object) {
  return Json{{"type", type}, {"object", object}}.dump() + "\n";
}

}  // namespace

// One lock for everything; `changed` announces new history and orders to streams.
class FakeApiServer::Self {
 public:
  explicit Self(Options options);
  ~Self();

  struct StreamState {
    bool end = false, reset = false, silent = false;
    int bookmarks = 0;
    std::string raw;
  };

  Options options;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  World world;
  Fate fate;
  int failures_left = 0;
  Misfortune failure;
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

 private:
  void accept_all();
  void converse(const std::shared_ptr<Wire>& wire);
  bool serve(Wire& wire, const HttpRequest& request);
  bool befall(Wire& wire, const Misfortune& misfortune, const std::optional<Call>& call);
  Misfortune fate_of(const Served& request);
  bool stream(Wire& wire, const Call& call);
  bool pump(Wire& wire, const Call& call, std::uint64_t version, StreamState& state);
  std::string frames_since(const Call& call, std::uint64_t& version, std::size_t& read) const;
  bool send_split(Wire& wire, const std::string& bytes);

  int listener_ = -1;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls_{nullptr, SSL_CTX_free};
  std::list<std::weak_ptr<Wire>> wires_;
  std::list<std::thread> conversations_;
  std::thread acceptor_;
};

FakeApiServer::Self::Self(Options given) : options(std::move(given)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    std::abort();
  port = ntohs(address.sin_port);
  if (!options.certificate_file.empty()) {
    tls_.reset(SSL_CTX_new(TLS_server_method()));
    if (SSL_CTX_use_certificate_chain_file(tls_.get(), options.certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
      std::abort();
    if (options.tls_at_most != 0) SSL_CTX_set_max_proto_version(tls_.get(), options.tls_at_most);
    // OpenSSL's default security level refuses the old versions that a test may want.
    if (options.tls_at_most != 0) SSL_CTX_set_security_level(tls_.get(), 0);
  }
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeApiServer::Self::~Self() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
    for (const auto& weak : wires_)
      if (const auto wire = weak.lock()) wire->shut_down();
    changed.notify_all();
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& conversation : conversations_) conversation.join();
  ::close(listener_);
}

void FakeApiServer::Self::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex);
    if (socket < 0 || stopping) {
      if (socket >= 0) ::close(socket);
      return;
    }
    auto wire = std::make_shared<Wire>(socket, tls_.get());
    wires_.push_back(wire);
    conversations_.emplace_back([this, wire = std::move(wire)]() mutable {
      converse(wire);
      wire.reset();
    });
  }
}

void FakeApiServer::Self::converse(const std::shared_ptr<Wire>& wire) {
  // OpenSSL writes without MSG_NOSIGNAL.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  if (!wire->handshake()) return;
  while (const std::optional<HttpRequest> request = wire->read_request())
    if (!serve(*wire, *request)) return;
}

Misfortune FakeApiServer::Self::fate_of(const Served& request) {
  const std::lock_guard lock(mutex);
  served.push_back(request);
  if (!options.token.empty() && request.authorization != "Bearer " + options.token)
    return {.kind = Misfortune::Kind::answer, .status = 401, .reason = "Unauthorized", .message = "Unauthorized"};
  if (failures_left > 0) {
    --failures_left;
    return failure;
  }
  return fate ? fate(request) : Misfortune{};
}

// Whether the connection stays open.
bool FakeApiServer::Self::serve(Wire& wire, const HttpRequest& request) {
  const std::optional<Call> call = call_of(request);
  const auto header = [&](const char* name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string() : found->second;
  };
  const std::size_t mark = request.target.find('?');
  const Misfortune misfortune =
      fate_of({call ? call->method : Method::get, percent_decode(request.target.substr(0, mark)),
               mark == std::string::npos ? "" : request.target.substr(mark + 1), header("authorization"),
               header("content-type"), header("user-agent"), request.body});
  if (misfortune.kind != Misfortune::Kind::none) return befall(wire, misfortune, call);
  if (!call) {
    const Reply reply = refusal(404, "NotFound", "the server could not find the requested resource");
    return wire.write_response(reply.status, "", reply.body.dump());
  }
  if (call->method == Method::get && call->query.contains("watch")) return stream(wire, *call);
  std::unique_lock lock(mutex);
  const Reply reply = world.answer(*call);
  changed.notify_all();
  lock.unlock();
  return wire.write_response(reply.status, "", reply.body.dump());
}

bool FakeApiServer::Self::befall(Wire& wire, const Misfortune& misfortune, const std::optional<Call>& call) {
  switch (misfortune.kind) {
    case Misfortune::Kind::none:
      return true;
    case Misfortune::Kind::drop:
      return false;
    case Misfortune::Kind::stall:
      wire.wait_for_close();
      return false;
    case Misfortune::Kind::drop_after: {
      const std::lock_guard lock(mutex);
      if (call) world.answer(*call);
      changed.notify_all();
      return false;
    }
    case Misfortune::Kind::answer: {
      const Reply reply = refusal(misfortune.status, misfortune.reason, misfortune.message);
      const std::string headers = misfortune.retry_after_seconds > 0
                                      ? "Retry-After: " + std::to_string(misfortune.retry_after_seconds) + "\r\n"
                                      : "";
      return wire.write_response(reply.status, headers, reply.body.dump());
    }
  }
  return false;
}

bool FakeApiServer::Self::stream(Wire& wire, const Call& call) {
  std::unique_lock lock(mutex);
  if (world.resource_of(call) == nullptr) {
    lock.unlock();
    return wire.write_response(404, "", refusal(404, "NotFound", "no such resource").body.dump());
  }
  const auto asked = call.query.find("resourceVersion");
  const std::uint64_t version =
      asked == call.query.end() || asked->second.empty() ? world.version() : std::stoull(asked->second);
  if (version < world.oldest()) {
    lock.unlock();
    const std::string message = "too old resource version: " + std::to_string(version);
    return wire.write_response(410, "", refusal(410, "Expired", message).body.dump());
  }
  const auto state = streams.insert(streams.end(), StreamState{});
  changed.notify_all();
  lock.unlock();
  bool keep = wire.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  keep = keep && pump(wire, call, version, *state);
  lock.lock();
  streams.erase(state);
  changed.notify_all();
  return keep;
}

// Sends what happens after `version` until the stream ends; whether the connection may be used again.
bool FakeApiServer::Self::pump(Wire& wire, const Call& call, std::uint64_t version, StreamState& state) {
  const auto timeout = call.query.find("timeoutSeconds");
  const Seconds limit(timeout == call.query.end() ? 3600 : std::stol(timeout->second));
  const SteadyTime end = SteadyClock::now() + limit;
  std::size_t read = 0;
  std::unique_lock lock(mutex);
  while (true) {
    std::string bytes = state.silent ? "" : frames_since(call, version, read);
    bytes += std::exchange(state.raw, "");
    for (; state.bookmarks > 0; --state.bookmarks) {
      const Resource& resource = *world.resource_of(call);
      bytes += frame("BOOKMARK", {{"kind", resource.kind},
                                  {"apiVersion", resource.api_version()},
                                  {"metadata", {{"resourceVersion", std::to_string(version)}}}});
    }
    const bool over = stopping || state.end || state.reset || SteadyClock::now() >= end;
    const bool reset = state.reset;
    lock.unlock();
    if (!send_split(wire, bytes)) return false;
    if (reset) wire.reset();
    if (over) return !reset && wire.write_chunk("");
    lock.lock();
    // A peer that closes sends nothing that would wake us.
    if (wire.closed_by_peer()) return false;
    changed.wait_until(lock, std::min(end, SteadyClock::now() + Milliseconds(20)), [&] {
      return stopping || state.end || state.reset || state.bookmarks > 0 || !state.raw.empty() ||
             (!state.silent && read < world.history().size());
    });
  }
}

// Objects that begin or cease to match a selector are added or deleted to this watcher.
std::string FakeApiServer::Self::frames_since(const Call& call, std::uint64_t& version, std::size_t& read) const {
  const auto parameter = [&](const char* name) {
    const auto found = call.query.find(name);
    return found == call.query.end() ? std::string() : found->second;
  };
  const std::string collection = collection_of(call.group, call.version, call.plural);
  std::string bytes;
  for (; read < world.history().size(); ++read) {
    const Logged& entry = world.history()[read];
    if (entry.version <= version) continue;
    version = entry.version;
    if (entry.collection != collection) continue;
    const auto visible = [&](const Json& object) {
      if (!object.is_object()) return false;
      if (!call.key.space.empty() && text_at(object, {"metadata", "namespace"}) != call.key.space) return false;
      return matches(object, parameter("labelSelector"), parameter("fieldSelector"));
    };
    const bool before = visible(entry.before), after = visible(entry.after);
    if (!before && !after) continue;
    Json object = after ? entry.after : entry.before;
    object["metadata"]["resourceVersion"] = std::to_string(entry.version);
    bytes += frame(!before ? "ADDED" : after ? "MODIFIED" : "DELETED", presented(object, call.metadata_only));
  }
  return bytes;
}

bool FakeApiServer::Self::send_split(Wire& wire, const std::string& bytes) {
  if (bytes.empty()) return true;
  std::size_t size = 0;
  {
    const std::lock_guard lock(mutex);
    size = chunk_bytes == 0 ? bytes.size() : chunk_bytes;
  }
  for (std::size_t begin = 0; begin < bytes.size(); begin += size)
    if (!wire.write_chunk(bytes.substr(begin, size))) return false;
  return true;
}

FakeApiServer::FakeApiServer() : FakeApiServer(Options{}) {}
FakeApiServer::FakeApiServer(Options options) : self_(std::make_unique<Self>(std::move(options))) {}
FakeApiServer::~FakeApiServer() = default;

std::string FakeApiServer::url() const {
  return (self_->options.certificate_file.empty() ? "http://127.0.0.1:" : "https://127.0.0.1:") +
         std::to_string(self_->port);
}

ClusterConfig FakeApiServer::config() const {
  ClusterConfig config;
  config.server = url();
  config.space = "default";
  config.token.text = self_->options.token;
  return config;
}

void FakeApiServer::serve(const Resource& resource, bool status_subresource) {
  const std::lock_guard lock(self_->mutex);
  self_->world.serve(resource, status_subresource);
}

Object FakeApiServer::put(const Resource& resource, Json object) {
  const std::lock_guard lock(self_->mutex);
  Object stored = self_->world.put(resource, std::move(object));
  self_->changed.notify_all();
  return stored;
}

void FakeApiServer::erase(const Resource& resource, const Key& key) {
  const std::lock_guard lock(self_->mutex);
  self_->world.erase(resource, key);
  self_->changed.notify_all();
}

Object FakeApiServer::find(const Resource& resource, const Key& key) const {
  const std::lock_guard lock(self_->mutex);
  return self_->world.find(resource, key);
}

std::vector<Object> FakeApiServer::all(const Resource& resource) const {
  const std::lock_guard lock(self_->mutex);
  return self_->world.all(resource);
}

void FakeApiServer::set_fate(Fate fate) {
  const std::lock_guard lock(self_->mutex);
  self_->fate = std::move(fate);
}

void FakeApiServer::fail_next(int count, Misfortune misfortune) {
  const std::lock_guard lock(self_->mutex);
  self_->failures_left = count;
  self_->failure = std::move(misfortune);
}

void FakeApiServer::set_token(std::string token) {
  const std::lock_guard lock(self_->mutex);
  self_->options.token = std::move(token);
}

void FakeApiServer::compact() {
  const std::lock_guard lock(self_->mutex);
  self_->world.compact();
}

void FakeApiServer::end_streams() {
  self_->order([](Self::StreamState& stream) { stream.end = true; });
}
void FakeApiServer::reset_streams() {
  self_->order([](Self::StreamState& stream) { stream.reset = true; });
}
void FakeApiServer::silence_streams() {
  self_->order([](Self::StreamState& stream) { stream.silent = true; });
}
void FakeApiServer::send_raw(const std::string& bytes) {
  self_->order([&](Self::StreamState& stream) { stream.raw += bytes; });
}
void FakeApiServer::bookmark() {
  self_->order([](Self::StreamState& stream) { ++stream.bookmarks; });
}

void FakeApiServer::split_chunks(std::size_t bytes) {
  const std::lock_guard lock(self_->mutex);
  self_->chunk_bytes = bytes;
}

std::size_t FakeApiServer::open_streams() const {
  const std::lock_guard lock(self_->mutex);
  return self_->streams.size();
}

bool FakeApiServer::wait_for_streams(std::size_t count, Milliseconds limit) const {
  std::unique_lock lock(self_->mutex);
  return self_->changed.wait_for(lock, limit, [&] { return self_->streams.size() == count; });
}

std::vector<Served> FakeApiServer::served() const {
  const std::lock_guard lock(self_->mutex);
  return self_->served;
}

void FakeApiServer::forget_served() {
  const std::lock_guard lock(self_->mutex);
  self_->served.clear();
}

}  // namespace tributary::kube::testing
