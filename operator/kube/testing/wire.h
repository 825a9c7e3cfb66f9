#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <openssl/ssl.h>

// One accepted connection of the fake API server, plain or TLS, and the HTTP/1.1 messages on it.
namespace tributary::kube::testing {

struct HttpRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class Wire {
 public:
  Wire(int socket, SSL_CTX* tls);  // no TLS without a context
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool handshake();
  std::optional<HttpRequest> read_request();
  bool write(const std::string& bytes);
  bool write_response(int status, const std::string& headers, const std::string& body);
  bool write_part(int status, const std::string& body, std::size_t bytes);  // that many of the body's
  bool write_chunk(const std::string& bytes);                               // empty: the last one
  // Until the peer has closed or shut_down() is called.
  void wait_for_close();

  bool closed_by_peer() const;
  std::string peer_certificate() const;  // PEM; empty where it showed none

  // From any thread: ends every read and write.
  void shut_down();
  // The close will be a reset instead of an end.
  void reset();

 private:
  std::ptrdiff_t read_some(char* buffer, std::size_t size);
  bool fill();

  const int socket_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  std::string buffer_;
};

// A socket that listens at a free port of the loopback interface. Whoever asked closes it.
struct Listener {
  int socket = -1;
  std::uint16_t port = 0;
};
Listener listen_on_loopback();

// In this thread: OpenSSL writes without MSG_NOSIGNAL.
void block_broken_pipe();

// As it goes over the wire.
std::string chunk_of(const std::string& bytes);

std::string percent_decode(const std::string& text);

}  // namespace tributary::kube::testing
