#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

namespace tributary::serve {

// Owns a file descriptor.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();

  int fd() const { return fd_; }

 private:
  int fd_;
};

struct Address {
  std::string host;  // "" for every interface
  std::string port;
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" (all interfaces, IPv6 and IPv4); port 0: any free one.
Result<Address> parse_address(std::string_view text);

// A listening socket, non-blocking and closed on exec. Fault::invalid for an address that is not ours or in use.
Result<Socket> listen_on(std::string_view address);

// The port that a listening socket has.
Result<std::uint16_t> port_of(const Socket& listener);

}  // namespace tributary::serve
