#include "engine/serve/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <thread>

#include "engine/serve/listener.h"
#include "engine/serve/request.h"

namespace tributary::serve {
namespace {

constexpr Milliseconds generous{20'000};

class Client {
 public:
  explicit Client(std::uint16_t port, int family = AF_INET) : socket_(::socket(family, SOCK_STREAM, 0)) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    six.sin6_addr = in6addr_loopback;
    const bool is_four = family == AF_INET;
    connected_ = connect(socket_.fd(), is_four ? reinterpret_cast<sockaddr*>(&four) : reinterpret_cast<sockaddr*>(&six),
                         is_four ? sizeof four : sizeof six) == 0;
  }

  bool connected() const { return connected_; }
  void send(std::string_view bytes) { (void)::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void shut() { shutdown(socket_.fd(), SHUT_WR); }

  bool answered_within(Milliseconds span) {
    pollfd one{socket_.fd(), POLLIN, 0};
    return poll(&one, 1, static_cast<int>(span.count())) == 1;
  }

  // All that comes until the server closes.
  std::string rest() {
    std::string all;
    char bytes[4096];
    for (;;) {
      if (!answered_within(generous)) return all + "[no end]";
      const ssize_t size = recv(socket_.fd(), bytes, sizeof bytes, 0);
      if (size <= 0) return all;
      all.append(bytes, static_cast<std::size_t>(size));
    }
  }

  std::string ask(std::string_view request) {
    send(request);
    return rest();
  }

 private:
  Socket socket_;
  bool connected_ = false;
};

Routes routes() {
  return {
      {"/healthz", {[] { return Response{.body = "ok\n"}; }}},
      {"/readyz", {[] { return Response{.status = 503, .body = "starting\n"}; }}},
      {"/order",
       {.post = [](const Request& request) { return Response{.status = 202, .body = request.bearer + "\n"}; }}},
      {"/large", {[] { return Response{.content_type = "application/json", .body = std::string(8'000'000, 'x')}; }}}};
}

std::ptrdiff_t open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

template <class F>
bool eventually(F&& condition) {
  const Deadline deadline = Deadline::after(generous);
  while (!condition()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(Milliseconds(5));
  }
  return true;
}

std::unique_ptr<Server> serve(Limits limits = {}, std::string_view address = "127.0.0.1:0") {
  Result<std::unique_ptr<Server>> server = Server::open(address, routes(), limits);
  if (!server) throw std::runtime_error(describe(server.error()));
  return std::move(server).value();
}

TEST(Server, answers_its_routes_and_refuses_the_rest) {
  const auto server = serve();
  const std::pair<const char*, const char*> cases[] = {
      {"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK"},       {"GET /healthz?x=1 HTTP/1.0\r\n\r\n", "200 OK"},
      {"GET /readyz HTTP/1.1\r\n\r\n", "503 Service Unavailable"},  {"GET /nothing HTTP/1.1\r\n\r\n", "404 Not Found"},
      {"POST /healthz HTTP/1.1\r\n\r\n", "405 Method Not Allowed"}, {"nonsense\r\n\r\n", "400 Bad Request"}};
  for (const auto& [request, status] : cases)
    EXPECT_TRUE(Client(server->port()).ask(request).starts_with(std::string("HTTP/1.1 ") + status + "\r\n")) << request;
  EXPECT_EQ(Client(server->port()).ask("GET /healthz HTTP/1.1\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\nok\n");
}

TEST(Server, an_order_is_taken_by_post_alone_and_its_body_is_not_waited_for) {
  const auto server = serve();
  Client client(server->port());
  const std::string answer =
      client.ask("POST /order HTTP/1.1\r\nAuthorization: Bearer abc\r\nContent-Length: 9\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 202 Accepted\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("abc\n")) << answer;
  const std::string refused = Client(server->port()).ask("GET /order HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 405 ")) << refused;
  EXPECT_NE(refused.find("\r\nAllow: POST\r\n"), refused.npos) << refused;
  EXPECT_NE(Client(server->port()).ask("PUT /healthz HTTP/1.1\r\n\r\n").find("\r\nAllow: GET, HEAD\r\n"), answer.npos);
}

TEST(Server, head_has_the_length_and_no_body) {
  const auto server = serve();
  const std::string answer = Client(server->port()).ask("HEAD /healthz HTTP/1.1\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 3\r\n"), answer.npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(Server, a_request_may_arrive_byte_by_byte) {
  const auto server = serve();
  Client client(server->port());
  for (const char byte : std::string("GET /healthz HTTP/1.1\r\n\r\n")) client.send({&byte, 1});
  EXPECT_TRUE(client.rest().ends_with("ok\n"));
}

TEST(Server, a_large_answer_arrives_whole_and_bytes_after_the_head_do_not_reset_it) {
  const auto server = serve();
  Client client(server->port());
  client.send("GET /large HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, 'b'));
  client.shut();
  const std::string answer = client.rest();
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 8'000'000u);
}

TEST(Server, a_head_without_end_is_refused) {
  const auto server = serve();
  EXPECT_TRUE(
      Client(server->port()).ask("GET / HTTP/1.1\r\nX: " + std::string(9'000, 'x')).starts_with("HTTP/1.1 431"));
}

TEST(Server, slow_peers_are_closed_and_never_keep_others_out) {
  const auto server = serve({.connections = 4, .exchange_time = Milliseconds(300)});
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 40; ++i) {
    slow.push_back(std::make_unique<Client>(server->port()));
    slow.back()->send("GET /heal");
  }
  EXPECT_TRUE(Client(server->port()).ask("GET /healthz HTTP/1.1\r\n\r\n").ends_with("ok\n"));
  for (const auto& client : slow) EXPECT_EQ(client->rest(), "");
}

TEST(Server, a_peer_that_does_not_read_is_closed) {
  const auto server = serve({.connections = 1, .exchange_time = Milliseconds(1'000)});
  const std::ptrdiff_t before = open_files();
  Client deaf(server->port());
  deaf.send("GET /large HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return open_files() == before + 2; })) << "accepted";
  ASSERT_TRUE(eventually([&] { return open_files() == before + 1; })) << "closed";
  EXPECT_LT(deaf.rest().size(), 8'000'000u);
}

TEST(Server, a_lack_of_file_descriptors_only_makes_peers_wait) {
  const auto server = serve();
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  const rlimit few{64, old.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  std::vector<Socket> hoard;
  while (hoard.empty() || hoard.back().fd() >= 0) hoard.emplace_back(dup(STDOUT_FILENO));
  hoard.pop_back();
  hoard.pop_back();
  Client client(server->port());  // with the last descriptor
  client.send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(client.answered_within(Milliseconds(100)));
  hoard.clear();
  setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_TRUE(client.rest().ends_with("ok\n"));
}

TEST(Server, random_bytes_harm_nobody) {
  const auto server = serve({.connections = 8, .exchange_time = Milliseconds(500)});
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  const std::string good = "GET /healthz HTTP/1.1\r\nHost: pod\r\n\r\n";
  for (int round = 0; round < 500; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    Client client(server->port());
    client.send(bytes);
    if (random() % 2 == 0) client.shut();
  }
  EXPECT_TRUE(Client(server->port()).ask(good).ends_with("ok\n")) << "seed " << seed;
}

TEST(Server, speaks_both_families_on_the_wildcard) {
  const auto server = serve({}, ":0");
  EXPECT_TRUE(Client(server->port()).ask("GET /healthz HTTP/1.1\r\n\r\n").ends_with("ok\n"));
  Client six(server->port(), AF_INET6);
  // A machine without IPv6 has no such loopback; there the wildcard is IPv4's.
  EXPECT_TRUE(!six.connected() || six.ask("GET /healthz HTTP/1.1\r\n\r\n").ends_with("ok\n"));
}

TEST(Server, a_taken_port_and_a_broken_address_are_configuration_errors) {
  const auto server = serve();
  for (const std::string& address :
       {"127.0.0.1:" + std::to_string(server->port()), std::string("8080"), std::string("127.0.0.1:"),
        std::string("127.0.0.1:70000"), std::string("::1:80"), std::string("203.0.113.1:0"), std::string("")}) {
    const auto refused = Server::open(address, {});
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().fault, Fault::invalid) << refused.error().what;
  }
}

TEST(Server, ends_while_peers_are_connected) {
  auto server = serve();
  Client client(server->port());
  client.send("GET /");
  server.reset();
  EXPECT_EQ(client.rest(), "");
}

}  // namespace
}  // namespace tributary::serve
