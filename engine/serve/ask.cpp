#include "engine/serve/ask.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "engine/serve/field.h"
#include "engine/serve/listener.h"
#include "engine/serve/request.h"

namespace tributary::serve {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* found) const { freeaddrinfo(found); }
};

Error broken(const std::string& what) {
  return {Fault::transient, what};
}

template <class Number>
std::optional<Number> number_in(std::string_view text, int base) {
  Number number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return problem == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// The value of a field in the lines of a head; nothing where there is none.
std::optional<std::string_view> field_in(std::string_view lines, std::string_view lower_name) {
  while (!lines.empty()) {
    const Field field = take_field(lines);
    if (same_word(field.name, lower_name)) return field.value;
  }
  return std::nullopt;
}

using Body = Result<std::optional<std::string>>;  // nothing: more bytes are needed

// chunk = size-in-hex [ ";" extension ] CRLF bytes CRLF; the last one has none.
Body from_chunks(std::string_view bytes, std::size_t most) {
  std::string body;
  for (;;) {
    const auto end = bytes.find(line_end);
    if (end == bytes.npos) return std::optional<std::string>();
    const std::string_view line = bytes.substr(0, end);
    const auto size = number_in<std::size_t>(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size || *size > most - body.size()) return Error{Fault::invalid, "a chunk of the answer is none or too large"};
    bytes.remove_prefix(end + line_end.size());
    if (*size == 0) return std::optional(std::move(body));
    if (bytes.size() < *size + line_end.size()) return std::optional<std::string>();
    body += bytes.substr(0, *size);
    bytes.remove_prefix(*size + line_end.size());
  }
}

Body body_in(std::string_view head, std::string_view bytes, bool ended, std::size_t most) {
  if (const auto coding = field_in(head, "transfer-encoding")) {
    if (same_word(*coding, "chunked")) return from_chunks(bytes, most);
    return Error{Fault::invalid, "the answer comes in a coding that is not known here"};
  }
  if (const auto length = field_in(head, "content-length")) {
    const auto size = number_in<std::size_t>(*length, 10);
    if (!size || *size > most) return Error{Fault::invalid, "the answer's length is none or too large"};
    if (bytes.size() < *size) return std::optional<std::string>();
    return std::optional<std::string>(bytes.substr(0, *size));
  }
  if (bytes.size() > most) return Error{Fault::invalid, "the answer is too large"};
  return ended ? std::optional<std::string>(bytes) : std::nullopt;
}

// status-line = "HTTP/1." DIGIT SP 3DIGIT SP reason. What comes before an answer proper nobody here has asked for.
std::optional<int> status_in(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return std::nullopt;
  const auto status = number_in<int>(line.substr(9, 3), 10);
  return status && *status >= 200 && (line.size() == 12 || line[12] == ' ') ? status : std::nullopt;
}

Result<Socket> socket_to(const addrinfo& at) {
  Socket socket(::socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol));
  if (socket.fd() < 0) return broken(std::string("no socket: ") + std::strerror(errno));
  if (connect(socket.fd(), at.ai_addr, at.ai_addrlen) != 0 && errno != EINPROGRESS) {
    return broken(std::string("cannot connect: ") + std::strerror(errno));
  }
  return socket;
}

// A stop is seen within a moment.
Result<void> wait_for(const Socket& socket, short events, const Until& until) {
  constexpr Milliseconds moment{50};
  for (;;) {
    if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while waiting for an answer"};
    const Milliseconds left = until.deadline.left();
    if (left <= Milliseconds(0)) return broken("there was no answer in time");
    pollfd wanted{socket.fd(), events, 0};
    if (poll(&wanted, 1, static_cast<int>(std::min(left, moment).count())) > 0) return {};
  }
}

Result<Socket> connect_to(const Question& question, const Until& until) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(question.address.c_str(), std::to_string(question.port).c_str(), &wanted, &found) != 0) {
    return Error{Fault::invalid, question.address + " is no address"};
  }
  const std::unique_ptr<addrinfo, FreeAddresses> address(found);
  Socket socket = TRY(socket_to(*address));
  TRY(wait_for(socket, POLLOUT, until));
  int problem = 0;
  socklen_t size = sizeof problem;
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem != 0) return broken(std::string("cannot connect: ") + std::strerror(problem));
  return socket;
}

Result<void> send_all(const Socket& socket, std::string_view bytes, const Until& until) {
  while (!bytes.empty()) {
    TRY(wait_for(socket, POLLOUT, until));
    const ssize_t sent = send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return broken(std::string("the connection broke: ") + std::strerror(errno));
    }
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<Answer> receive(const Socket& socket, std::size_t most, const Until& until) {
  std::string received;
  std::array<char, 8192> piece;
  for (;;) {
    TRY(wait_for(socket, POLLIN, until));
    const ssize_t size = recv(socket.fd(), piece.data(), piece.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size < 0) return broken(std::string("the connection broke: ") + std::strerror(errno));
    received.append(piece.data(), static_cast<std::size_t>(size));
    if (std::optional<Answer> answer = TRY(parse_answer(received, size == 0, most))) return *std::move(answer);
    if (received.size() > head_limit + 2 * most) return Error{Fault::invalid, "the answer is too large"};
  }
}

}  // namespace

Result<std::optional<Answer>> parse_answer(std::string_view received, bool ended, std::size_t most) {
  const auto end = received.find("\r\n\r\n");
  if (std::min(end, received.size()) > head_limit) return Error{Fault::invalid, "the answer's head is too large"};
  if (end == received.npos && ended) return broken("the connection ended before there was an answer");
  if (end == received.npos) return std::optional<Answer>();
  const std::string_view head = received.substr(0, end);
  const std::string_view bytes = received.substr(end + 2 * line_end.size());
  const std::optional<int> status = status_in(head.substr(0, head.find(line_end)));
  if (!status) return Error{Fault::invalid, "the answer is no HTTP/1.1"};
  std::optional<std::string> body = TRY(body_in(head, bytes, ended, most));
  if (!body && ended) return broken("the connection ended within the answer");
  if (!body) return std::optional<Answer>();
  return std::optional(Answer{*status, *std::move(body)});
}

Result<Answer> ask(const Question& question, const Until& until) {
  const bool six = question.address.find(':') != std::string::npos;
  const std::string host = six ? "[" + question.address + "]" : question.address;
  const std::string request =
      "GET " + question.path + " HTTP/1.1\r\nHost: " + host + ":" + std::to_string(question.port) +
      "\r\nUser-Agent: tributary/" TRIBUTARY_VERSION "\r\nAccept: application/json\r\nConnection: close\r\n\r\n";
  const Socket socket = TRY(connect_to(question, until));
  TRY(send_all(socket, request, until));
  return receive(socket, question.most, until);
}

}  // namespace tributary::serve
