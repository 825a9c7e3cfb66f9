#include "engine/serve/exchange.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "engine/serve/request.h"

namespace tributary::serve {
namespace {

constexpr std::size_t read_size = 4096;

bool try_again() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

std::string methods_of(const Route& route) {
  return std::string(route.get ? "GET, HEAD" : "") + (route.get && route.post ? ", " : "") + (route.post ? "POST" : "");
}

Response response_to(const Request& request, const Routes& routes) {
  const auto found = routes.find(request.path);
  if (found == routes.end()) return {.status = 404, .body = "nothing here\n"};
  const Route& route = found->second;
  if (route.get && (request.method == "GET" || request.method == "HEAD")) return route.get();
  if (route.post && request.method == "POST") return route.post(request);
  const std::string methods = methods_of(route);
  return {.status = 405, .body = "only " + methods + " is answered here\n", .allow = methods};
}

std::string answer_to(const Request& request, const Routes& routes) {
  return encode(response_to(request, routes), request.method != "HEAD");
}

}  // namespace

short Exchange::events() const {
  return state_ == State::writing ? POLLOUT : POLLIN;
}

void Exchange::advance(const Routes& routes) {
  if (state_ == State::reading) read(routes);
  if (state_ == State::writing) write();
  if (state_ == State::lingering) linger();
}

void Exchange::read(const Routes& routes) {
  char bytes[read_size];
  const ssize_t size = recv(fd(), bytes, sizeof bytes, 0);
  if (size < 0 && try_again()) return;
  if (size <= 0) {
    state_ = State::over;
    return;
  }
  received_.append(bytes, static_cast<std::size_t>(size));
  const auto parsed = parse_request(received_);
  if (std::holds_alternative<Incomplete>(parsed)) return;
  const Request* request = std::get_if<Request>(&parsed);
  answer_ = request != nullptr ? answer_to(*request, routes) : encode(std::get<Response>(parsed), true);
  state_ = State::writing;
}

void Exchange::write() {
  while (sent_ < answer_.size()) {
    const ssize_t size = send(fd(), answer_.data() + sent_, answer_.size() - sent_, MSG_NOSIGNAL);
    if (size < 0 && try_again()) return;
    if (size <= 0) {
      state_ = State::over;
      return;
    }
    sent_ += static_cast<std::size_t>(size);
  }
  shutdown(fd(), SHUT_WR);
  state_ = State::lingering;
}

void Exchange::linger() {
  char bytes[read_size];
  const ssize_t size = recv(fd(), bytes, sizeof bytes, 0);
  if (size == 0 || (size < 0 && !try_again())) state_ = State::over;
}

}  // namespace tributary::serve
