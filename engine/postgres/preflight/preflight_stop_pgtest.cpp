#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <thread>

#include "engine/postgres/preflight/preflight.h"
#include "engine/testing/postgres_server.h"

// Checks that are stopped while they wait for a server.
namespace tributary::postgres {
namespace {

// Knows no database: says so to the first who connects, and asks for a stop when a second one does.
class ForgetfulServer {
 public:
  explicit ForgetfulServer(std::stop_source& stop) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const at = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, at, size) != 0 || ::listen(listener_, 4) != 0 || ::getsockname(listener_, at, &size) != 0)
      throw std::runtime_error("no listener");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, &stop] {
      const int first = ::accept(listener_, nullptr, nullptr);
      char startup[1024];
      static_cast<void>(::recv(first, startup, sizeof startup, 0));
      static constexpr char refusal[] = "SFATAL\0VFATAL\0C3D000\0Mdatabase \"absent\" does not exist\0";
      std::string message = "E";
      const auto length = htonl(static_cast<std::uint32_t>(sizeof refusal + 4));
      message.append(reinterpret_cast<const char*>(&length), sizeof length).append(refusal, sizeof refusal);
      static_cast<void>(::send(first, message.data(), message.size(), MSG_NOSIGNAL));
      ::close(first);
      second_ = ::accept(listener_, nullptr, nullptr);
      stop.request_stop();
    });
  }
  ~ForgetfulServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(second_);
    ::close(listener_);
  }
  std::string uri() const {
    return "postgresql://u@127.0.0.1:" + std::to_string(port_) + "/absent?sslmode=disable&gssencmode=disable";
  }

 private:
  int listener_;
  int second_ = -1;
  int port_ = 0;
  std::thread thread_;
};

TEST(ValidatingThatIsStopped, says_so_and_not_what_it_knew_before) {
  const testbed::Database source = testbed::server(17).create_database("stopped");
  std::stop_source stop;
  const ForgetfulServer target(stop);
  api::Spec spec;
  spec.source.uri = source.uri();
  spec.target.uri = target.uri();
  const Result<Validation> validation = validate(spec, {Deadline::after(Seconds(60)), stop.get_token()});
  ASSERT_FALSE(validation);
  EXPECT_EQ(validation.error().fault, Fault::cancelled) << describe(validation.error());
}

}  // namespace
}  // namespace tributary::postgres
