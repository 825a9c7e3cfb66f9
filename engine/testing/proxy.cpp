#include "engine/testing/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace tributary::testbed {
namespace {

constexpr std::size_t most_at_once = 64 << 10;

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<in_port_t>(port));
  return address;
}

int new_socket() {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) throw std::runtime_error("no socket for a proxy");
  return made;
}

// Small messages go at once.
void hurry(int socket) {
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

void close_socket(int socket, bool reset) {
  const linger at_once{1, 0};
  if (reset) setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(socket);
}

// One way of a connection, as far as it goes now; false where the connection is over.
bool move_on(int from, int to, std::string& waiting, bool& has_ended) {
  if (waiting.empty() && !has_ended) {
    std::array<char, most_at_once> bytes;
    const ssize_t came = recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (came < 0) return errno == EAGAIN || errno == EINTR;
    has_ended = came == 0;
    waiting.assign(bytes.data(), static_cast<std::size_t>(came));
  }
  if (!waiting.empty()) {
    const ssize_t sent = send(to, waiting.data(), waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    waiting.erase(0, static_cast<std::size_t>(sent));
  }
  return !has_ended || !waiting.empty();
}

}  // namespace

Proxy::Proxy(int server_port) : server_port_(server_port), listener_(new_socket()), wake_(eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = local(0);
  socklen_t size = sizeof address;
  const bool listens = wake_ >= 0 && bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       listen(listener_, SOMAXCONN) == 0 &&
                       getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (!listens) throw std::runtime_error("a proxy cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Proxy::~Proxy() {
  thread_.request_stop();
  wake();
  thread_.join();
  close_all(false);
  close(listener_);
  close(wake_);
}

void Proxy::wake() {
  eventfd_write(wake_, 1);
}

void Proxy::cut(Way way) {
  {
    const std::lock_guard lock(mutex_);
    to_server_cut_ = way != Way::to_client;
    to_client_cut_ = way != Way::to_server;
  }
  wake();
}

void Proxy::mend() {
  {
    const std::lock_guard lock(mutex_);
    to_server_cut_ = to_client_cut_ = false;
  }
  wake();
}

void Proxy::drop() {
  std::unique_lock lock(mutex_);
  drops_ = true;
  wake();
  dropped_.wait(lock, [this] { return !drops_; });
}

void Proxy::close_all(bool reset) {
  for (const Link& each : links_) {
    close_socket(each.to_server.from, reset);
    close_socket(each.to_server.to, reset);
  }
  links_.clear();
}

void Proxy::let_in() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = new_socket();
  const sockaddr_in address = local(server_port_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(client);
    close(server);
    return;
  }
  hurry(client);
  hurry(server);
  links_.push_back({{client, server}, {server, client}});
}

bool Proxy::moves(const Flow& flow, const Link& link) const {
  const bool is_cut = &flow == &link.to_server ? to_server_cut_ : to_client_cut_;
  return !is_cut && (!flow.has_ended || !flow.waiting.empty());
}

void Proxy::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<pollfd> watched{{wake_, POLLIN, 0}};
    {
      const std::lock_guard lock(mutex_);
      if (!to_server_cut_ && !to_client_cut_) watched.push_back({listener_, POLLIN, 0});
      for (const Link& link : links_) {
        for (const Flow* flow : {&link.to_server, &link.to_client}) {
          if (!moves(*flow, link)) continue;
          const bool reads = flow->waiting.empty();
          watched.push_back({reads ? flow->from : flow->to, static_cast<short>(reads ? POLLIN : POLLOUT), 0});
        }
      }
    }
    poll(watched.data(), watched.size(), -1);
    const std::lock_guard lock(mutex_);
    eventfd_t count = 0;
    if (watched.front().revents != 0) eventfd_read(wake_, &count);
    if (drops_) {
      close_all(true);
      drops_ = false;
      dropped_.notify_all();
    }
    for (Link& link : links_) {
      for (Flow* flow : {&link.to_server, &link.to_client})
        if (moves(*flow, link) && !move_on(flow->from, flow->to, flow->waiting, flow->has_ended)) link.is_over = true;
      if (!link.is_over) continue;
      close_socket(link.to_server.from, false);
      close_socket(link.to_server.to, false);
    }
    std::erase_if(links_, [](const Link& link) { return link.is_over; });
    const bool knocks = watched.size() > 1 && watched[1].fd == listener_ && watched[1].revents != 0;
    if (knocks && !to_server_cut_ && !to_client_cut_) let_in();
  }
}

}  // namespace tributary::testbed
