#include "engine/serve/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace tributary::serve {
namespace {

constexpr int backlog = 64;

struct FreeAddresses {
  void operator()(addrinfo* found) const { freeaddrinfo(found); }
};

Result<std::unique_ptr<addrinfo, FreeAddresses>> look_up(const Address& address) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int problem =
      getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(), address.port.c_str(), &wanted, &found);
  if (problem != 0) return Error{Fault::invalid, "host " + address.host + ": " + gai_strerror(problem)};
  return std::unique_ptr<addrinfo, FreeAddresses>(found);
}

Result<Socket> listen_at(const addrinfo& at) {
  Socket socket(::socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol));
  const int on = 1;
  const int off = 0;
  if (socket.fd() >= 0) setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (socket.fd() >= 0 && at.ai_family == AF_INET6)
    setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (socket.fd() < 0 || bind(socket.fd(), at.ai_addr, at.ai_addrlen) != 0 || listen(socket.fd(), backlog) != 0)
    return Error{Fault::invalid, std::strerror(errno)};
  return socket;
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

Result<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  const std::string_view port = colon == text.npos ? "" : text.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (problem != std::errc{} || end != port.data() + port.size() || (!bracketed && host.find(':') != host.npos))
    return Error{Fault::invalid, "'" + std::string(text) + "' is not an address",
                 "write it like 0.0.0.0:8080, [::]:8080 or localhost:8080"};
  return Address{std::string(host), std::string(port)};
}

Result<Socket> listen_on(std::string_view text) {
  const Address address = TRY(parse_address(text));
  const auto found = TRY(look_up(address));
  // Of the wildcard addresses the IPv6 one comes first where there is IPv6: it serves IPv4 as well.
  const addrinfo* six = found.get();
  while (six != nullptr && six->ai_family != AF_INET6) six = six->ai_next;
  if (address.host.empty() && six != nullptr) {
    Result<Socket> socket = listen_at(*six);
    if (socket) return socket;
  }
  Result<Socket> socket = Error{};
  for (const addrinfo* at = found.get(); at != nullptr && !socket; at = at->ai_next) socket = listen_at(*at);
  if (!socket) return within("cannot listen on " + std::string(text), socket.error());
  return socket;
}

Result<std::uint16_t> port_of(const Socket& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return Error{Fault::failed, std::string("getsockname: ") + std::strerror(errno)};
  // sin_port and sin6_port stand at the same place.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace tributary::serve
