#include "operator/kube/testing/wire.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tributary::kube::testing {
namespace {

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string head_of(int status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Type: application/json\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
}

}  // namespace

Wire::Wire(int socket, SSL_CTX* tls) : socket_(socket), ssl_(tls == nullptr ? nullptr : SSL_new(tls), SSL_free) {
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (ssl_) SSL_set_fd(ssl_.get(), socket_);
}

Wire::~Wire() {
  ::close(socket_);
}

bool Wire::handshake() {
  return !ssl_ || SSL_accept(ssl_.get()) == 1;
}

void Wire::shut_down() {
  ::shutdown(socket_, SHUT_RDWR);
}

void Wire::reset() {
  const linger now{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::ptrdiff_t Wire::read_some(char* buffer, std::size_t size) {
  if (ssl_) return SSL_read(ssl_.get(), buffer, static_cast<int>(size));
  return ::recv(socket_, buffer, size, 0);
}

bool Wire::fill() {
  char piece[16384];
  const std::ptrdiff_t count = read_some(piece, sizeof piece);
  if (count <= 0) return false;
  buffer_.append(piece, static_cast<std::size_t>(count));
  return true;
}

void Wire::wait_for_close() {
  while (fill()) {
  }
}

bool Wire::closed_by_peer() const {
  char byte = 0;
  const std::ptrdiff_t count = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

std::string Wire::peer_certificate() const {
  const std::unique_ptr<X509, void (*)(X509*)> certificate(ssl_ ? SSL_get1_peer_certificate(ssl_.get()) : nullptr,
                                                           X509_free);
  if (!certificate) return "";
  const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(text.get(), certificate.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

bool Wire::write(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const std::size_t left = bytes.size() - sent;
    const std::ptrdiff_t count = ssl_ ? SSL_write(ssl_.get(), bytes.data() + sent, static_cast<int>(left))
                                      : ::send(socket_, bytes.data() + sent, left, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::optional<HttpRequest> Wire::read_request() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) return std::nullopt;
  HttpRequest request;
  std::istringstream head(buffer_.substr(0, end));
  std::string line, version;
  std::getline(head, line);
  std::istringstream(line) >> request.method >> request.target >> version;
  while (std::getline(head, line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string value = line.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    if (value.ends_with('\r')) value.pop_back();
    request.headers[lowered(line.substr(0, colon))] = value;
  }
  buffer_.erase(0, end + 4);
  const auto length = request.headers.find("content-length");
  const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (buffer_.size() < size)
    if (!fill()) return std::nullopt;
  request.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return request;
}

bool Wire::write_response(int status, const std::string& headers, const std::string& body) {
  return write(head_of(status, headers, body) + body);
}

bool Wire::write_part(int status, const std::string& body, std::size_t bytes) {
  return write(head_of(status, "", body) + body.substr(0, bytes));
}

bool Wire::write_chunk(const std::string& bytes) {
  return write(chunk_of(bytes));
}

std::string chunk_of(const std::string& bytes) {
  std::ostringstream size;
  size << std::hex << bytes.size();
  return size.str() + "\r\n" + bytes + "\r\n";
}

Listener listen_on_loopback() {
  Listener listener{.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener.socket, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener.socket, 64) != 0 ||
      ::getsockname(listener.socket, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    std::abort();
  listener.port = ntohs(address.sin_port);
  return listener;
}

void block_broken_pipe() {
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
}

std::string percent_decode(const std::string& text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

}  // namespace tributary::kube::testing
