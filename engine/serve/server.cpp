#include "engine/serve/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <thread>
#include <vector>

#include "engine/base/contain.h"
#include "engine/base/log.h"
#include "engine/serve/exchange.h"

namespace tributary::serve {
namespace {

// How long the listener rests when the process has no file descriptor left for a new connection.
constexpr Milliseconds rest{200};

}  // namespace

struct Server::Loop {
  Socket listener;
  Socket wake;  // an eventfd, readable when the loop shall end
  std::uint16_t port = 0;
  Routes routes;
  Limits limits;
  std::list<Exchange> exchanges;  // oldest first
  bool resting = false;
  std::thread thread;

  void run();
  bool turn();
  std::vector<pollfd> interests() const;
  int patience() const;
  void accept_all();
  void take(Socket socket);
  void advance(const std::vector<pollfd>& ready);
};

void Server::Loop::run() {
  while (true) {
    const Result<bool> goes_on = contain([this]() -> Result<bool> { return turn(); });
    if (goes_on && !*goes_on) return;
    if (!goes_on) exchanges.clear();  // there is no memory for them
  }
}

// One wait and all that it brought; false at the end.
bool Server::Loop::turn() {
  std::vector<pollfd> ready = interests();
  const int count = poll(ready.data(), ready.size(), patience());
  if (count < 0 && errno == EINTR) return true;
  if (count < 0) {
    log::error("status server ended", {{"cause", std::strerror(errno)}});
    return false;
  }
  if (ready[0].revents != 0) return false;
  advance(ready);
  resting = false;
  if (ready[1].revents != 0) accept_all();
  exchanges.remove_if([](const Exchange& one) { return one.over() || one.deadline().passed(); });
  return true;
}

// The eventfd, the listener, then each exchange in the order of the list.
std::vector<pollfd> Server::Loop::interests() const {
  std::vector<pollfd> all = {{wake.fd(), POLLIN, 0}, {resting ? -1 : listener.fd(), POLLIN, 0}};
  for (const Exchange& one : exchanges) all.push_back({one.fd(), one.events(), 0});
  return all;
}

// Milliseconds until something has to be done though nothing happens; -1: never.
int Server::Loop::patience() const {
  Milliseconds least = Milliseconds::max();
  for (const Exchange& one : exchanges) least = std::min(least, one.deadline().left() + Milliseconds(1));
  if (resting) least = std::min(least, rest);
  return least == Milliseconds::max() ? -1 : static_cast<int>(least.count());
}

void Server::Loop::advance(const std::vector<pollfd>& ready) {
  std::size_t i = 2;
  for (Exchange& one : exchanges) {
    if (ready[i++].revents != 0) one.advance(routes);
  }
}

void Server::Loop::accept_all() {
  for (std::size_t i = 0; i < limits.connections; ++i) {
    Socket socket(accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.fd() >= 0) {
      take(std::move(socket));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) resting = true;
    return;
  }
}

void Server::Loop::take(Socket socket) {
  if (exchanges.size() >= limits.connections) exchanges.pop_front();
  exchanges.emplace_back(std::move(socket), Deadline::after(limits.exchange_time));
  exchanges.back().advance(routes);
}

Server::Server(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

Result<std::unique_ptr<Server>> Server::open(std::string_view address, Routes routes, Limits limits) {
  auto loop = std::make_unique<Loop>();
  loop->listener = TRY(listen_on(address));
  loop->port = TRY(port_of(loop->listener));
  loop->wake = Socket(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (loop->wake.fd() < 0) return Error{Fault::failed, std::string("eventfd: ") + std::strerror(errno)};
  loop->routes = std::move(routes);
  loop->limits = limits;
  loop->thread = std::thread([running = loop.get()] { running->run(); });
  return std::unique_ptr<Server>(new Server(std::move(loop)));
}

Server::~Server() {
  eventfd_write(loop_->wake.fd(), 1);
  loop_->thread.join();
}

std::uint16_t Server::port() const {
  return loop_->port;
}

}  // namespace tributary::serve
