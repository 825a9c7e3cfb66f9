#include "operator/kube/testing/serving.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "operator/kube/testing/call.h"

namespace tributary::kube::testing {

FakeApiServer::Self::Self(Options given) : options(std::move(given)), world(options.clock, options.as_cluster) {
  const Listener listener = listen_on_loopback();
  listener_ = listener.socket;
  port = listener.port;
  if (!options.certificate_file.empty()) show_certificate();
  acceptor_ = std::thread([this] { accept_all(); });
}

// With the lock, but where nobody has it yet.
void FakeApiServer::Self::show_certificate() {
  tls_.reset(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate_chain_file(tls_.get(), options.certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls_.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    std::abort();
  if (options.tls_at_most != 0) SSL_CTX_set_max_proto_version(tls_.get(), options.tls_at_most);
  // OpenSSL's default security level refuses the old versions that a test may want.
  if (options.tls_at_most != 0) SSL_CTX_set_security_level(tls_.get(), 0);
  for (const auto& weak : wires_)
    if (const auto wire = weak.lock()) wire->shut_down();
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
  block_broken_pipe();
  if (!wire->handshake()) return;
  while (const std::optional<HttpRequest> request = wire->read_request())
    if (!serve(*wire, *request)) return;
}

Misfortune FakeApiServer::Self::fate_of(const Served& request) {
  const std::lock_guard lock(mutex);
  served.push_back(request);
  served.back().version = world.version();
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
  const std::size_t mark = request.target.find('?');
  const Misfortune misfortune =
      fate_of({call ? call->method : Method::get, percent_decode(request.target.substr(0, mark)),
               mark == std::string::npos ? "" : request.target.substr(mark + 1), header_of(request, "authorization"),
               header_of(request, "content-type"), header_of(request, "user-agent"), request.body});
  if (misfortune.kind != Misfortune::Kind::late) wait_out(misfortune.delay);
  if (misfortune.kind != Misfortune::Kind::none) return befall(wire, misfortune, call);
  if (!call) {
    const Reply reply = refusal(404, "NotFound", "the server could not find the requested resource");
    return wire.write_response(reply.status, "", reply.body.dump());
  }
  if (call->method == Method::get && call->query.contains("watch")) return stream(wire, *call);
  return execute(wire, misfortune, *call);
}

void FakeApiServer::Self::wait_out(Milliseconds delay) {
  if (delay <= Milliseconds(0)) return;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, delay, [&] { return stopping; });
}

bool FakeApiServer::Self::befall(Wire& wire, const Misfortune& misfortune, const std::optional<Call>& call) {
  using Kind = Misfortune::Kind;
  switch (misfortune.kind) {
    case Kind::none:
      return true;
    case Kind::drop:
      return false;
    case Kind::stall:
      wire.wait_for_close();
      return false;
    case Kind::answer: {
      Reply reply = refusal(misfortune.status, misfortune.reason, misfortune.message);
      if (!misfortune.details.is_null()) reply.body["details"] = misfortune.details;
      const std::string headers = misfortune.retry_after_seconds > 0
                                      ? "Retry-After: " + std::to_string(misfortune.retry_after_seconds) + "\r\n"
                                      : "";
      return wire.write_response(reply.status, headers, reply.body.dump());
    }
    case Kind::drop_after:
    case Kind::answer_after:
    case Kind::twice:
    case Kind::cut:
    case Kind::stale:
    case Kind::forestall:
    case Kind::late:
      return call && execute(wire, misfortune, *call);
  }
  return false;
}

// What is done to a request that is executed all the same.
bool FakeApiServer::Self::execute(Wire& wire, const Misfortune& misfortune, const Call& call) {
  using Kind = Misfortune::Kind;
  std::unique_lock lock(mutex);
  Call made = call;
  if (misfortune.kind == Kind::stale) made.as_of = misfortune.version;
  if (misfortune.kind == Kind::twice) world.answer(made);
  if (misfortune.kind == Kind::forestall) world.put(*world.resource_of(made), misfortune.details);
  const Reply reply = world.answer(made);
  changed.notify_all();
  lock.unlock();
  if (misfortune.kind == Kind::drop_after) return false;
  if (misfortune.kind == Kind::late) wait_out(misfortune.delay);
  if (misfortune.kind == Kind::answer_after) {
    const Reply other = refusal(misfortune.status, misfortune.reason, misfortune.message);
    return wire.write_response(other.status, "", other.body.dump());
  }
  const std::string body = reply.body.dump();
  if (misfortune.kind != Kind::cut) return wire.write_response(reply.status, "", body);
  wire.write_part(reply.status, body, body.size() / 2);
  wire.reset();
  return false;
}

}  // namespace tributary::kube::testing
