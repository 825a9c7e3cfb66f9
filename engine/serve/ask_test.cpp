#include "engine/serve/ask.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "engine/serve/listener.h"
#include "engine/serve/server.h"

namespace tributary::serve {
namespace {

constexpr std::size_t most = 100;
constexpr Seconds generous{20};

std::string text_of(const Result<std::optional<Answer>>& parsed) {
  if (!parsed.ok()) return name_of(parsed.error().fault);
  return *parsed ? std::to_string((*parsed)->status) + " " + (*parsed)->body : "more";
}

struct Case {
  const char* bytes;
  const char* so_far;
  const char* at_the_end;
};

const std::vector<Case> cases = {
    {"", "more", "transient"},
    {"HTTP/1.1 200 OK\r\n", "more", "transient"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "200 {}", "200 {}"},
    {"HTTP/1.1 200 OK\r\ncontent-length:2 \r\n\r\n{}and more", "200 {}", "200 {}"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "more", "transient"},
    {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "503 ", "503 "},
    {"HTTP/1.1 204\r\n\r\n", "more", "204 "},
    {"HTTP/1.0 200 OK\r\n\r\nup to the end", "more", "200 up to the end"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n", "200 {}", "200 {}"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}", "more", "transient"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "more", "transient"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "invalid", "invalid"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "invalid", "invalid"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "invalid", "invalid"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "invalid", "invalid"},
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "invalid", "invalid"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "invalid", "invalid"},
    {"HTTP/1.1 100 Continue\r\n\r\n", "invalid", "invalid"},
    {"HTTP/2 200\r\n\r\n", "invalid", "invalid"},
    {"SSH-2.0-OpenSSH\r\n\r\n", "invalid", "invalid"},
};

TEST(ParseAnswer, says_what_the_bytes_so_far_mean) {
  for (const Case& each : cases) {
    EXPECT_EQ(text_of(parse_answer(each.bytes, false, most)), each.so_far) << each.bytes;
    EXPECT_EQ(text_of(parse_answer(each.bytes, true, most)), each.at_the_end) << each.bytes;
  }
}

TEST(ParseAnswer, takes_no_more_than_it_was_told) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  EXPECT_EQ(text_of(parse_answer(head + "\r\n" + std::string(most + 1, 'x'), false, most)), "invalid");
  EXPECT_EQ(text_of(parse_answer(head + std::string(9'000, 'x'), false, most)), "invalid");
  const std::string chunk = "32\r\n" + std::string(50, 'x') + "\r\n";
  const std::string coding = "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(text_of(parse_answer(head + coding + chunk + chunk + "0\r\n", false, most)),
            "200 " + std::string(100, 'x'));
  EXPECT_EQ(text_of(parse_answer(head + coding + chunk + chunk + "1\r\nx\r\n", false, most)), "invalid");
}

TEST(ParseAnswer, survives_what_is_cut_off_and_what_is_damaged) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const Case& each : cases) {
    const std::string text = each.bytes;
    for (std::size_t size = 0; size <= text.size(); ++size) (void)parse_answer(text.substr(0, size), true, most);
    for (int i = 0; i < 1'000 && !text.empty(); ++i) {
      std::string damaged = text;
      damaged[random() % damaged.size()] = static_cast<char>(random());
      const Result<std::optional<Answer>> parsed = parse_answer(damaged, random() % 2 == 0, most);
      const bool whole = parsed.ok() && parsed->has_value();
      EXPECT_LE(whole ? (*parsed)->body.size() : 0, most);
    }
  }
}

Result<Answer> ask_at(std::uint16_t port, Until until = {Deadline::after(generous)},
                      const std::string& address = "127.0.0.1") {
  return ask({.address = address, .port = port, .path = "/status", .most = most}, until);
}

TEST(Ask, gets_what_a_server_of_this_room_answers) {
  Routes routes;
  routes["/status"].get = [] { return Response{.status = 200, .body = "{}"}; };
  const auto server = Server::open(":0", std::move(routes)).value();
  for (int i = 0; i < 40; ++i) {
    const Result<Answer> answer = ask_at(server->port());
    ASSERT_TRUE(answer.ok()) << describe(answer.error());
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "{}");
  }
}

TEST(Ask, speaks_to_an_address_of_ipv6) {
  Result<Socket> six = listen_on("[::1]:0");
  if (!six.ok()) return;  // a machine without IPv6
  const std::uint16_t port = port_of(*six).value();
  six = Socket();
  Routes routes;
  routes["/status"].get = [] { return Response{.body = "six"}; };
  const auto server = Server::open("[::1]:" + std::to_string(port), std::move(routes)).value();
  EXPECT_EQ(ask_at(port, {Deadline::after(generous)}, "::1").value().body, "six");
}

// Takes one connection, reads what is asked and answers so, piece by piece.
class Peer {
 public:
  explicit Peer(std::vector<std::string> pieces, bool closes = true)
      : thread_([this, pieces = std::move(pieces), closes](const std::stop_token& stop) {
          pollfd wanted{listener_.fd(), POLLIN, 0};
          poll(&wanted, 1, 20'000);
          const Socket socket(accept(listener_.fd(), nullptr, nullptr));
          char bytes[4096];
          const ssize_t size = recv(socket.fd(), bytes, sizeof bytes, 0);
          asked_.assign(bytes, static_cast<std::size_t>(std::max<ssize_t>(0, size)));
          for (const std::string& piece : pieces) (void)send(socket.fd(), piece.data(), piece.size(), MSG_NOSIGNAL);
          while (!closes && !stop.stop_requested() && recv(socket.fd(), bytes, sizeof bytes, 0) > 0) continue;
        }) {}

  std::uint16_t port() const { return port_of(listener_).value(); }
  std::string asked() {
    thread_.join();
    return asked_;
  }

 private:
  Socket listener_ = listen_on("127.0.0.1:0").value();
  std::string asked_;
  std::jthread thread_;
};

TEST(Ask, asks_as_http_1_1_has_it_and_for_the_connection_to_end) {
  Peer peer({"HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n\r\n2", "\r\n{}\r\n0\r\n\r\n"});
  EXPECT_EQ(ask_at(peer.port()).value().body, "{}");
  const std::string asked = peer.asked();
  EXPECT_TRUE(asked.starts_with("GET /status HTTP/1.1\r\nHost: 127.0.0.1:")) << asked;
  EXPECT_NE(asked.find("\r\nConnection: close\r\n"), asked.npos);
  EXPECT_TRUE(asked.ends_with("\r\n\r\n"));
}

TEST(Ask, does_not_wait_for_the_end_of_a_connection_whose_answer_is_whole) {
  Peer peer({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"}, false);
  EXPECT_EQ(ask_at(peer.port()).value().body, "{}");
}

TEST(Ask, an_answer_that_breaks_off_or_never_comes_is_none) {
  Peer cut({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"});
  EXPECT_EQ(ask_at(cut.port()).error().fault, Fault::transient);
  Peer silent({}, false);
  EXPECT_EQ(ask_at(silent.port(), {Deadline::after(Milliseconds(50))}).error().fault, Fault::transient);
  const std::uint16_t nobody = port_of(listen_on("127.0.0.1:0").value()).value();
  EXPECT_EQ(ask_at(nobody).error().fault, Fault::transient);
}

TEST(Ask, a_flood_is_cut_off) {
  Peer peer({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(20'000, 'x')}, false);
  EXPECT_EQ(ask_at(peer.port()).error().fault, Fault::invalid);
}

TEST(Ask, ends_with_a_stop) {
  Peer silent({}, false);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(ask_at(silent.port(), {Deadline::never(), stop.get_token()}).error().fault, Fault::cancelled);
}

TEST(Ask, a_name_is_no_address) {
  EXPECT_EQ(ask_at(80, {Deadline::after(generous)}, "localhost").error().fault, Fault::invalid);
}

}  // namespace
}  // namespace tributary::serve
