#include "operator/kube/testing/tls_server.h"

#include <utility>

#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tributary::kube::testing {
namespace {

using Context = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;

Bio bio_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

Certificate certificate_of(const Pair& pair) {
  return {PEM_read_bio_X509(bio_of(pair.certificate).get(), nullptr, nullptr, nullptr), X509_free};
}

Context context_of(const Pair& identity, const Pair& authority) {
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const Key key(PEM_read_bio_PrivateKey(bio_of(identity.key).get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  SSL_CTX_use_certificate(context.get(), certificate_of(identity).get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  if (!authority.certificate.empty()) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate_of(authority).get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

}  // namespace

TlsServer::TlsServer(Pair identity) : identity_(std::move(identity)) {
  const Listener listener = listen_on_loopback();
  listener_ = listener.socket;
  port_ = listener.port;
  acceptor_ = std::thread([this] { accept_all(); });
}

TlsServer::~TlsServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& wire : wires_) wire->shut_down();
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& conversation : conversations_) conversation.join();
  ::close(listener_);
}

ClusterConfig TlsServer::config() const {
  ClusterConfig config;
  config.server = "https://127.0.0.1:" + std::to_string(port_);
  return config;
}

void TlsServer::present(Pair identity) {
  const std::lock_guard lock(mutex_);
  identity_ = std::move(identity);
}

void TlsServer::require(Pair authority) {
  const std::lock_guard lock(mutex_);
  authority_ = std::move(authority);
}

std::vector<std::string> TlsServer::clients() const {
  const std::lock_guard lock(mutex_);
  return clients_;
}

std::size_t TlsServer::connections() const {
  const std::lock_guard lock(mutex_);
  return wires_.size();
}

void TlsServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (socket < 0 || stopping_) {
      if (socket >= 0) ::close(socket);
      return;
    }
    const Context context = context_of(identity_, authority_);
    const std::shared_ptr<Wire> wire = wires_.emplace_back(std::make_shared<Wire>(socket, context.get()));
    conversations_.emplace_back([this, wire] {
      converse(*wire);
      wire->shut_down();
    });
  }
}

void TlsServer::converse(Wire& wire) {
  block_broken_pipe();
  if (!wire.handshake()) return;
  while (const std::optional<HttpRequest> request = wire.read_request()) {
    {
      const std::lock_guard lock(mutex_);
      clients_.push_back(wire.peer_certificate());
    }
    if (request->target.find("watch=1") == std::string::npos) {
      if (!wire.write_response(200, "", R"({"metadata":{"name":"x"}})")) return;
      continue;
    }
    wire.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    wire.write_chunk("{}\n");
    return wire.wait_for_close();
  }
}

}  // namespace tributary::kube::testing
