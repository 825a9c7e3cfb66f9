#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/kinds.h"
#include "operator/kube/testing/certificates.h"
#include "operator/kube/testing/tls_server.h"
#include "operator/kube/tls.h"
#include "operator/kube/transport.h"

// Certificates that are replaced while the operator runs; tokens are in config_test.cpp and transport_test.cpp.
namespace tributary::kube {
namespace {

using ::testing::Each;
using testing::Pair;
using ::testing::SizeIs;

const Key key{"shop", "settings"};
const SteadyTime start = SteadyTime() + std::chrono::hours(1);

class RotationTest : public ::testing::Test {
 protected:
  // A transport that trusts what ca.crt holds and shows tls.crt, if there is one, and looks at both every so often.
  std::unique_ptr<Transport> open(Seconds check_every) {
    ClusterConfig config = server.config();
    config.authority = {{}, folder.path("ca.crt")};
    if (!client.certificate.empty()) {
      config.client_certificate = {{}, folder.path("tls.crt")};
      config.client_key = {{}, folder.path("tls.key")};
    }
    return open_rest_transport(config, {.check_credentials = check_every});
  }
  void trust(const Pair& authority) { folder.write("ca.crt", authority.certificate); }
  void show(const Pair& identity) {
    client = identity;
    folder.write("tls.crt", identity.certificate);
    folder.write("tls.key", identity.key);
  }
  static Result<Response> ask(Transport& transport) {
    return transport.send(get(kinds::pods, key), Deadline::after(Seconds(20)), {});
  }

  const testing::Folder folder;
  const Pair first = testing::make_authority("first");
  const Pair second = testing::make_authority("second");
  Pair client;
  testing::TlsServer server{testing::issue(first, "IP:127.0.0.1")};
};

TEST_F(RotationTest, a_new_ca_is_trusted_as_soon_as_a_connection_is_made_to_a_server_that_has_its_certificate) {
  trust(first);
  const auto transport = open(Seconds(300));
  ASSERT_TRUE(ask(*transport).ok());
  server.present(testing::issue(second, "IP:127.0.0.1"));
  trust(second);
  const auto other = open(Seconds(300));
  EXPECT_TRUE(ask(*other).ok());
  // The old connection is still good; new ones are made for streams.
  const Result<Opened> stream = transport->open(watch(kinds::pods, {}, {"1", 60}), {}, {});
  EXPECT_TRUE(stream.ok()) << describe(stream.error());
}

TEST_F(RotationTest, idle_connections_of_the_old_ca_go_once_the_files_were_looked_at) {
  trust(first);
  const auto transport = open(Seconds(0));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(ask(*transport).ok());
  const std::size_t before = server.connections();
  EXPECT_LT(before, 20U) << "what has not changed changes nothing";
  server.present(testing::issue(second, "IP:127.0.0.1"));
  trust(second);
  EXPECT_TRUE(ask(*transport).ok());
  EXPECT_GT(server.connections(), before);
}

TEST_F(RotationTest, files_that_are_being_replaced_leave_the_old_ones_in_use) {
  trust(first);
  show(testing::issue(first, "DNS:old"));
  const Pair shown = client;
  server.require(first);
  const auto transport = open(Seconds(0));
  ASSERT_TRUE(ask(*transport).ok());
  for (const char* broken : {"", "half a certi"}) {
    folder.write("ca.crt", broken);
    EXPECT_TRUE(ask(*transport).ok());
    EXPECT_TRUE(transport->open(watch(kinds::pods, {}, {"1", 60}), {}, {}).ok()) << "on a new connection";
  }
  trust(first);
  folder.write("tls.key", testing::issue(first, "DNS:other").key);
  EXPECT_TRUE(ask(*transport).ok());
  EXPECT_TRUE(transport->open(watch(kinds::pods, {}, {"1", 60}), {}, {}).ok());
  EXPECT_THAT(server.clients(), Each(shown.certificate));
}

TEST_F(RotationTest, a_new_client_certificate_is_shown_from_the_next_request_on_and_ends_streams) {
  trust(first);
  show(testing::issue(first, "DNS:old"));
  const Pair old = client;
  server.require(first);
  const auto transport = open(Seconds(0));
  ASSERT_TRUE(ask(*transport).ok());
  Opened stream = transport->open(watch(kinds::pods, {}, {"1", 60}), {}, {}).value();
  EXPECT_EQ(stream.lines->next({}).value(), "{}");
  show(testing::issue(first, "DNS:new"));
  ASSERT_TRUE(ask(*transport).ok());
  ASSERT_THAT(server.clients(), SizeIs(3));
  EXPECT_EQ(server.clients()[1], old.certificate);
  EXPECT_EQ(server.clients()[2], client.certificate);
  const auto next = stream.lines->next({});
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().fault, Fault::failed);
  EXPECT_FALSE(stream.lines->idle());
}

TEST_F(RotationTest, another_ca_ends_no_stream) {
  trust(first);
  const auto transport = open(Seconds(0));
  Opened stream = transport->open(watch(kinds::pods, {}, {"1", 60}), {}, {}).value();
  EXPECT_EQ(stream.lines->next({}).value(), "{}");
  folder.write("ca.crt", first.certificate + second.certificate);
  ASSERT_TRUE(ask(*transport).ok());
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(stream.lines->next(stop.get_token()).error().fault, Fault::cancelled) << "it goes on";
}

TEST_F(RotationTest, files_are_looked_at_when_their_time_has_come_and_not_before) {
  trust(first);
  ClusterConfig config = server.config();
  config.authority = {{}, folder.path("ca.crt")};
  TlsSource source(config, Seconds(300));
  const auto before = source.get(start).value();
  trust(second);
  EXPECT_EQ(source.get(start + Seconds(299)).value(), before);
  const auto after = source.get(start + Seconds(300)).value();
  EXPECT_NE(after, before);
  EXPECT_FALSE(after->same_authority(*before));
  EXPECT_TRUE(after->same_identity(*before));
  EXPECT_EQ(source.get(start + Seconds(900)).value(), after) << "what has not changed is the same object";
  trust(first);
  EXPECT_NE(source.refresh(start + Seconds(901)).value(), after);
}

}  // namespace
}  // namespace tributary::kube
