#include "engine/testing/proxy.h"

#include <gtest/gtest.h>

#include <future>

#include "engine/testing/postgres_server.h"

namespace tributary::testbed {
namespace {

class AProxy : public ::testing::Test {
 protected:
  // As everybody comes to it through the proxy.
  std::string uri() {
    return server_.tcp_uri(database_.name(), "postgres", PostgresServer::superuser_password, proxy_.port());
  }
  bool is_there(const std::string& table) {
    return database_.scalar("SELECT to_regclass('" + table + "') IS NOT NULL") == "t";
  }

  PostgresServer& server_ = server(18);
  Database database_ = server_.create_database("proxied");
  Proxy proxy_{server_.port()};
};

TEST_F(AProxy, passes_on_what_both_ends_say) {
  Session first(uri());
  Session second(uri());
  const std::string large = "SELECT repeat('x', 3000000)";
  EXPECT_EQ(first.scalar(large + " || length('" + std::string(2000000, 'y') + "')").size(), 3000007U);
  EXPECT_EQ(second.scalar("SELECT 2"), "2");
}

TEST_F(AProxy, keeps_what_is_said_while_it_is_cut) {
  Session session(uri());
  proxy_.cut();
  auto made = std::async(std::launch::async, [&] { session.exec("CREATE TABLE t (a int)"); });
  auto late = std::async(std::launch::async, [&] { return Session(uri()).scalar("SELECT 3"); });
  database_.exec("CREATE TABLE meanwhile (a int)");
  EXPECT_FALSE(is_there("t"));
  proxy_.mend();
  made.get();
  EXPECT_TRUE(is_there("t"));
  EXPECT_EQ(late.get(), "3");
}

TEST_F(AProxy, passes_on_what_goes_the_way_that_is_not_cut) {
  Session session(uri());
  proxy_.cut(Proxy::Way::to_client);
  auto made = std::async(std::launch::async, [&] { session.exec("CREATE TABLE t (a int)"); });
  while (!is_there("t")) std::this_thread::yield();
  proxy_.mend();
  made.get();
}

TEST_F(AProxy, resets_connections_whether_it_is_cut_or_not) {
  Session first(uri());
  proxy_.drop();
  EXPECT_EQ(first.sqlstate("SELECT 1"), "08006");
  Session second(uri());
  proxy_.cut();
  proxy_.drop();
  EXPECT_EQ(second.sqlstate("SELECT 1"), "08006");
  proxy_.mend();
  EXPECT_EQ(Session(uri()).scalar("SELECT 1"), "1");
}

TEST_F(AProxy, ends_a_connection_with_its_server) {
  PostgresServer own(18, Flavour::logical, 2);
  Proxy proxy(own.port());
  const std::string through = own.tcp_uri("postgres", "postgres", PostgresServer::superuser_password, proxy.port());
  Session session(through);
  own.stop();
  EXPECT_NE(session.sqlstate("SELECT 1"), "");
  EXPECT_THROW(Session{through}, std::runtime_error);
  own.start();
  EXPECT_EQ(Session(through).scalar("SELECT 1"), "1");
}

}  // namespace
}  // namespace tributary::testbed
