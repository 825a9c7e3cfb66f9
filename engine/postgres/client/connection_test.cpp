#include "engine/postgres/client/connection.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace tributary::postgres {
namespace {

TEST(ParseConninfo, decodes_a_uri) {
  const auto parameters = parse_conninfo("postgresql://us%40er:p%3A%40ss@db.example:5433/my%20db?sslmode=require");
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->at("user"), "us@er");
  EXPECT_EQ(parameters->at("password"), "p:@ss");
  EXPECT_EQ(parameters->at("dbname"), "my db");
  EXPECT_EQ(parameters->at("sslmode"), "require");
}

TEST(ParseConninfo, an_error_never_repeats_the_text) {
  const auto parameters = parse_conninfo("postgresql://user:hunter2@[::1/db");
  ASSERT_FALSE(parameters);
  EXPECT_EQ(parameters.error().fault, Fault::invalid);
  EXPECT_EQ(describe(parameters.error()).find("hunter2"), std::string::npos);
}

TEST(ParseConninfo, a_password_that_is_not_encoded_is_malformed_and_nothing_of_it_is_repeated) {
  for (const char* text : {"postgresql://u:p@ss:hunter2/x@127.0.0.1:5432/d", "postgres://u:hunt/er2@db/d"}) {
    const auto parameters = parse_conninfo(text);
    ASSERT_FALSE(parameters.ok()) << text;
    EXPECT_EQ(parameters.error().what, "the connection string is malformed");
  }
  EXPECT_TRUE(parse_conninfo("postgresql://u:p%40s%2Fs@db/d?application_name=a@b/c").ok());
}

TEST(ParseConninfo, a_misspelt_keyword_is_told_by_the_one_that_was_meant_and_is_not_repeated) {
  for (const char* text :
       {"host=db pasword=hunter2", "host=db passwrod=hunter2", "postgresql://db/app?pasword=hunter2"}) {
    const auto parameters = parse_conninfo(text);
    ASSERT_FALSE(parameters.ok()) << text;
    EXPECT_EQ(describe(parameters.error()),
              "the connection string has a keyword that is not known (hint: did you mean password?)");
  }
  const auto blanks = parse_conninfo("host=db password=two hunter2=words");
  ASSERT_FALSE(blanks.ok());
  EXPECT_EQ(describe(blanks.error()).find("hunter2"), std::string::npos);
}

TEST(Describe, names_the_place_and_never_the_password) {
  EXPECT_EQ(describe(Parameters{{"host", "db"}, {"dbname", "app"}, {"user", "u"}, {"password", "hunter2"}}),
            "db:5432/app as u");
}

TEST(FaultOf, a_class_of_errors_decides_what_the_loops_do) {
  EXPECT_EQ(fault_of("57P01"), Fault::transient);  // admin_shutdown
  EXPECT_EQ(fault_of("53300"), Fault::transient);  // too_many_connections
  EXPECT_EQ(fault_of("53100"), Fault::failed);     // disk_full
  EXPECT_EQ(fault_of("53200"), Fault::failed);     // out_of_memory: the table of locks is full, too
  EXPECT_EQ(fault_of("53400"), Fault::failed);     // configuration_limit_exceeded
  EXPECT_EQ(fault_of("40P01"), Fault::transient);  // deadlock_detected
  EXPECT_EQ(fault_of("28P01"), Fault::denied);     // invalid_password
  EXPECT_EQ(fault_of("42501"), Fault::denied);     // insufficient_privilege
  EXPECT_EQ(fault_of("42P01"), Fault::missing);    // undefined_table
  EXPECT_EQ(fault_of("23505"), Fault::failed);     // unique_violation
  EXPECT_EQ(fault_of(""), Fault::transient);       // the connection broke
}

TEST(Connection, an_unreachable_server_is_transient_and_named) {
  const auto connection = Connection::open({{"host", "127.0.0.1"}, {"port", "1"}, {"dbname", "app"}}, {},
                                           {Deadline::after(Seconds(10)), {}});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().fault, Fault::transient);
  EXPECT_NE(connection.error().what.find("127.0.0.1:1/app"), std::string::npos);
}

TEST(Connection, a_service_that_nothing_defines_is_a_mistake_and_no_outage) {
  const auto connection = Connection::open({{"service", "nope"}}, {}, {Deadline::after(Seconds(10)), {}});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().fault, Fault::invalid);
  EXPECT_NE(connection.error().what.find("nope"), std::string::npos) << connection.error().what;
  EXPECT_NE(connection.error().hint.find("PGSERVICEFILE"), std::string::npos) << connection.error().hint;
}

// A port of this machine that takes connections into its backlog.
class Listener {
 public:
  Listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 1), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = std::to_string(ntohs(address.sin_port));
  }
  ~Listener() { ::close(socket_); }
  int socket() const { return socket_; }
  const std::string& port() const { return port_; }

 private:
  const int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string port_;
};

TEST(Connection, a_server_that_never_answers_is_given_up) {
  const Listener listener;
  const auto connection = Connection::open({{"host", "127.0.0.1"}, {"port", listener.port()}, {"connect_timeout", "1"}},
                                           {}, {Deadline::never(), {}});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().fault, Fault::transient);
  EXPECT_EQ(connection.error().what,
            "cannot connect to 127.0.0.1:" + listener.port() + ": the server did not answer in time");
}

// AuthenticationOk and ReadyForQuery for whoever comes, then `answer` to what he asks; who cancels that is heard.
void serve_one(int listener, const std::string& answer) {
  const int peer = ::accept(listener, nullptr, nullptr);
  char asked[4096];
  EXPECT_GT(::read(peer, asked, sizeof asked), 0);
  const std::string welcome("R\0\0\0\10\0\0\0\0Z\0\0\0\5I", 15);
  EXPECT_EQ(::write(peer, welcome.data(), welcome.size()), static_cast<ssize_t>(welcome.size()));
  EXPECT_GT(::read(peer, asked, sizeof asked), 0);
  EXPECT_EQ(::write(peer, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
  ::close(::accept(listener, nullptr, nullptr));
  while (::read(peer, asked, sizeof asked) > 0) {
  }
  ::close(peer);
}

TEST(Connection, a_server_that_answers_with_the_replication_protocol_is_given_up) {
  const Listener listener;
  const std::string copy_both("W\0\0\0\7\0\0\0", 8);
  const std::jthread server([&] { serve_one(listener.socket(), copy_both); });
  auto connection = Connection::open(
      {{"host", "127.0.0.1"}, {"port", listener.port()}, {"sslmode", "disable"}, {"gssencmode", "disable"}}, {},
      {Deadline::after(Seconds(10)), {}});
  ASSERT_TRUE(connection) << describe(connection.error());
  const auto answered = connection->execute("SELECT 1", {Deadline::after(Seconds(10)), {}});
  ASSERT_FALSE(answered);
  EXPECT_FALSE(connection->usable());
}

}  // namespace
}  // namespace tributary::postgres
