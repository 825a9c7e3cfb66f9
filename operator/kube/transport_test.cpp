#include "operator/kube/transport.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "operator/kube/kinds.h"
#include "operator/kube/testing/certificates.h"
#include "operator/kube/testing/fake_api_server.h"

namespace tributary::kube {
namespace {

using testing::FakeApiServer;
using ::testing::HasSubstr;
using testing::Misfortune;
using Kind = testing::Misfortune::Kind;

const Key key{"shop", "settings"};

Json settings(const std::string& value) {
  return {{"metadata", {{"namespace", "shop"}, {"name", "settings"}}}, {"data", {{"key", value}}}};
}

Result<Response> send(Transport& transport, const Request& request, Milliseconds limit = Seconds(20)) {
  return transport.send(request, Deadline::after(limit), {});
}

Fault fault_of(const Result<Response>& result) {
  return result.ok() ? Fault::fenced : result.error().fault;
}

TEST(Transport, an_answer_carries_status_and_body) {
  FakeApiServer server;
  server.put(kinds::config_maps, settings("v"));
  const auto transport = open_rest_transport(server.config());
  const Result<Response> found = send(*transport, get(kinds::config_maps, key));
  ASSERT_TRUE(found.ok()) << describe(found.error());
  EXPECT_EQ(found->status, 200);
  EXPECT_THAT(found->body, HasSubstr("\"key\":\"v\""));
  const Result<Response> missing = send(*transport, get(kinds::config_maps, {"shop", "other"}));
  ASSERT_TRUE(missing.ok());
  EXPECT_EQ(missing->status, 404);
}

TEST(Transport, a_request_carries_its_body_token_and_name) {
  FakeApiServer server(FakeApiServer::Options{.token = "secret-1"});
  const auto transport = open_rest_transport(server.config());
  ASSERT_TRUE(send(*transport, create(kinds::config_maps, Object(settings("v")))).ok());
  const testing::Served served = server.served().at(0);
  EXPECT_EQ(served.authorization, "Bearer secret-1");
  EXPECT_EQ(served.content_type, "application/json");
  EXPECT_THAT(served.user_agent, HasSubstr("tributary-operator/"));
  EXPECT_EQ(text_at(Json::parse(served.body), {"data", "key"}), "v");
  EXPECT_EQ(text_at(server.find(kinds::config_maps, key).json(), {"data", "key"}), "v");
}

TEST(Transport, a_server_that_is_not_there_is_told_from_one_that_breaks_off) {
  ClusterConfig nobody;
  {
    FakeApiServer server;
    nobody = server.config();
  }
  EXPECT_EQ(fault_of(send(*open_rest_transport(nobody), get(kinds::pods, key))), Fault::transient);

  FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  server.fail_next(1, {.kind = Kind::drop});
  EXPECT_EQ(fault_of(send(*transport, get(kinds::pods, key))), Fault::failed);
}

TEST(Transport, a_server_that_never_answers_ends_at_the_deadline) {
  FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  server.fail_next(1, {.kind = Kind::stall});
  EXPECT_EQ(fault_of(send(*transport, get(kinds::pods, key), Milliseconds(100))), Fault::failed);
  EXPECT_TRUE(send(*transport, get(kinds::pods, key)).ok());
}

TEST(Transport, a_stop_ends_a_request_that_waits) {
  FakeApiServer server;
  std::stop_source stop;
  server.set_fate([&](const testing::Served&) {
    stop.request_stop();
    return Misfortune{.kind = Kind::stall};
  });
  const auto transport = open_rest_transport(server.config());
  const Result<Response> result = transport->send(get(kinds::pods, key), Deadline::never(), stop.get_token());
  EXPECT_EQ(fault_of(result), Fault::cancelled);
}

// The library would send the write again on its own.
TEST(Transport, a_write_on_a_connection_that_the_server_has_closed_is_not_sent_twice) {
  FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  ASSERT_TRUE(send(*transport, get(kinds::pods, key)).ok());  // the connection goes to the pool
  server.fail_next(1, {.kind = Kind::drop_after});
  EXPECT_EQ(fault_of(send(*transport, create(kinds::config_maps, Object(settings("v"))))), Fault::failed);
  std::size_t posts = 0;
  for (const testing::Served& served : server.served()) posts += served.method == Method::post;
  EXPECT_EQ(posts, 1U);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(send(*transport, get(kinds::config_maps, key)).ok());
}

// A process may stand still between the decision to write and the bytes.
TEST(Transport, a_write_whose_time_is_over_before_it_is_sent_is_not_executed) {
  FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  for (int i = 0; i < 200; ++i) {
    ASSERT_FALSE(send(*transport, create(kinds::config_maps, Object(settings("v"))), Milliseconds(-1)).ok());
    if (i % 2 == 0) continue;
    ASSERT_TRUE(send(*transport, get(kinds::pods, key)).ok());  // leaves a connection for the next one
  }
  EXPECT_TRUE(server.all(kinds::config_maps).empty());
}

TEST(Transport, nothing_of_a_write_without_a_body_is_sent_when_its_time_is_over) {
  FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  Request bare;
  bare.method = Method::post;
  bare.path = "/release";
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(fault_of(send(*transport, bare, Milliseconds(-1))), Fault::transient);
    if (i % 2 == 1) {
      ASSERT_TRUE(send(*transport, get(kinds::pods, key)).ok());  // leaves a connection for the next one
    }
  }
  for (const testing::Served& served : server.served()) EXPECT_EQ(served.method, Method::get);
}

TEST(Transport, a_write_that_was_to_begin_before_is_not_executed_though_its_answer_has_time) {
  FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  Request late = create(kinds::config_maps, Object(settings("v")));
  late.begin_by = SteadyClock::now();
  ASSERT_FALSE(send(*transport, late, Seconds(60)).ok());
  EXPECT_TRUE(server.all(kinds::config_maps).empty());
  late.begin_by = SteadyClock::now() + Seconds(60);
  ASSERT_TRUE(send(*transport, late, Seconds(60)).ok());
  EXPECT_EQ(server.all(kinds::config_maps).size(), 1U);
}

TEST(Transport, an_answer_beyond_the_cap_is_refused) {
  FakeApiServer server;
  server.put(kinds::config_maps, settings(std::string(100'000, 'x')));
  const auto transport = open_rest_transport(server.config(), {.body_bytes = 50'000});
  EXPECT_EQ(fault_of(send(*transport, get(kinds::config_maps, key))), Fault::invalid);
  EXPECT_TRUE(send(*transport, get(kinds::config_maps, {"shop", "other"})).ok());
}

TEST(Transport, a_large_answer_arrives_whole) {
  FakeApiServer server;
  server.put(kinds::config_maps, settings(std::string(5'000'000, 'x')));
  const auto transport = open_rest_transport(server.config());
  const Result<Response> answer = send(*transport, get(kinds::config_maps, key));
  ASSERT_TRUE(answer.ok()) << describe(answer.error());
  EXPECT_EQ(text_at(Json::parse(answer->body), {"data", "key"}).size(), 5'000'000U);
}

TEST(Transport, retry_after_is_read_and_bounded) {
  FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  server.fail_next(1, {.kind = Kind::answer, .status = 429, .retry_after_seconds = 3});
  EXPECT_EQ(send(*transport, get(kinds::pods, key))->retry_after, Seconds(3));
  server.fail_next(1, {.kind = Kind::answer, .status = 429, .retry_after_seconds = 1'000'000});
  EXPECT_EQ(send(*transport, get(kinds::pods, key))->retry_after, Seconds(300));
  server.fail_next(1, {.kind = Kind::answer, .status = 500});
  EXPECT_EQ(send(*transport, get(kinds::pods, key))->retry_after, std::nullopt);
}

TEST(Transport, an_expired_token_is_read_again_after_a_401) {
  const testing::Folder folder;
  FakeApiServer server(FakeApiServer::Options{.token = "old"});
  ClusterConfig config = server.config();
  config.token = {{}, folder.write("token", "old\n")};
  const auto transport = open_rest_transport(config);
  EXPECT_EQ(send(*transport, get(kinds::pods, key))->status, 404);
  server.set_token("new");
  folder.write("token", "new\n");
  EXPECT_EQ(send(*transport, get(kinds::pods, key))->status, 401);
  EXPECT_EQ(send(*transport, get(kinds::pods, key))->status, 404);
}

TEST(Transport, many_threads_may_send_at_once) {
  FakeApiServer server;
  server.put(kinds::config_maps, settings("v"));
  const auto transport = open_rest_transport(server.config());
  std::atomic<int> answered = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 20; ++n) answered += send(*transport, get(kinds::config_maps, key)).ok();
      });
  }
  EXPECT_EQ(answered, 160);
}

TEST(Transport, a_path_or_address_that_is_no_uri_is_invalid) {
  FakeApiServer server;
  EXPECT_EQ(
      fault_of(send(*open_rest_transport(server.config()), Request{.path = "/a b", .content_type = {}, .body = {}})),
      Fault::invalid);
  ClusterConfig config;
  config.server = "http://a b";
  EXPECT_EQ(fault_of(send(*open_rest_transport(config), get(kinds::pods, key))), Fault::invalid);
}

class TlsTransport : public ::testing::Test {
 protected:
  FakeApiServer::Options identity(const testing::Pair& issuer, const std::string& name) const {
    const testing::Pair leaf = testing::issue(issuer, name);
    return {.certificate_file = folder.write("server.crt", leaf.certificate),
            .key_file = folder.write("server.key", leaf.key)};
  }
  static ClusterConfig trusting(const FakeApiServer& server, const testing::Pair& root) {
    ClusterConfig config = server.config();
    config.authority.text = root.certificate;
    return config;
  }

  const testing::Folder folder;
  const testing::Pair authority = testing::make_authority("cluster");
  const testing::Pair stranger = testing::make_authority("stranger");
};

TEST_F(TlsTransport, a_certificate_of_the_clusters_ca_for_the_address_is_trusted) {
  const FakeApiServer server(identity(authority, "IP:127.0.0.1"));
  const auto transport = open_rest_transport(trusting(server, authority));
  const Result<Response> answer = send(*transport, get(kinds::pods, key));
  ASSERT_TRUE(answer.ok()) << describe(answer.error());
  EXPECT_EQ(answer->status, 404);
}

TEST_F(TlsTransport, no_other_certificate_is_trusted) {
  const FakeApiServer server(identity(stranger, "IP:127.0.0.1"));
  EXPECT_EQ(fault_of(send(*open_rest_transport(trusting(server, authority)), get(kinds::pods, key))), Fault::denied);
  const FakeApiServer misnamed(identity(authority, "IP:127.0.0.2"));
  EXPECT_EQ(fault_of(send(*open_rest_transport(trusting(misnamed, authority)), get(kinds::pods, key))), Fault::denied);
  ClusterConfig trusting_nobody = server.config();
  EXPECT_EQ(fault_of(send(*open_rest_transport(trusting_nobody), get(kinds::pods, key))), Fault::denied);
}

TEST_F(TlsTransport, the_certificate_may_be_for_the_configured_server_name) {
  const FakeApiServer server(identity(authority, "DNS:kubernetes"));
  ClusterConfig config = trusting(server, authority);
  EXPECT_EQ(fault_of(send(*open_rest_transport(config), get(kinds::pods, key))), Fault::denied);
  config.tls_server_name = "kubernetes";
  EXPECT_TRUE(send(*open_rest_transport(config), get(kinds::pods, key)).ok());
}

TEST_F(TlsTransport, versions_before_1_2_are_refused) {
  FakeApiServer::Options options = identity(authority, "IP:127.0.0.1");
  options.tls_at_most = TLS1_1_VERSION;
  const FakeApiServer server(options);
  EXPECT_EQ(fault_of(send(*open_rest_transport(trusting(server, authority)), get(kinds::pods, key))), Fault::transient);
}

TEST_F(TlsTransport, unusable_credentials_are_named) {
  const FakeApiServer server(identity(authority, "IP:127.0.0.1"));
  ClusterConfig config = trusting(server, authority);
  config.client_certificate.text = authority.certificate;
  config.client_key.text = stranger.key;
  const Result<Response> mismatch = send(*open_rest_transport(config), get(kinds::pods, key));
  EXPECT_THAT(mismatch.error().what, HasSubstr("client-key"));
  config.authority = {{}, folder.path("nothing.crt")};
  const Result<Response> unreadable = send(*open_rest_transport(config), get(kinds::pods, key));
  EXPECT_THAT(unreadable.error().what, HasSubstr("nothing.crt"));
}

class StreamTest : public ::testing::Test {
 protected:
  Opened open(const StreamLimits& limits = {}) {
    Result<Opened> opened = transport->open(watch(kinds::config_maps, {}, {"1", 60}), limits, {});
    EXPECT_TRUE(opened.ok()) << describe(opened.error());
    EXPECT_TRUE(opened->lines);
    return std::move(opened).value();
  }

  FakeApiServer server;
  const std::unique_ptr<Transport> transport = open_rest_transport(server.config());
};

TEST_F(StreamTest, chunks_split_at_every_byte_give_the_same_lines) {
  for (std::size_t size = 1; size <= 40; ++size) {
    server.split_chunks(size);
    Opened opened = open();
    server.send_raw("{\"first\":1}\n\r\n\n{\"second\":\"\xc3\xa9\"}\r\nthird\n");
    for (const char* expected : {"{\"first\":1}", "{\"second\":\"\xc3\xa9\"}", "third"}) {
      const auto line = opened.lines->next({});
      ASSERT_TRUE(line.ok()) << describe(line.error());
      EXPECT_EQ(*line, expected) << "chunks of " << size;
    }
  }
}

TEST_F(StreamTest, a_line_is_there_as_soon_as_it_was_sent) {
  Opened opened = open();
  for (const char* text : {"a", "bb", "ccc"}) {
    server.send_raw(std::string(text) + "\n");
    EXPECT_EQ(opened.lines->next({}).value(), text);
  }
}

TEST_F(StreamTest, a_clean_end_a_reset_and_a_cut_line_are_told_apart) {
  Opened ended = open();
  server.end_streams();
  EXPECT_EQ(ended.lines->next({}).value(), std::nullopt);

  ASSERT_TRUE(server.wait_for_streams(0, Seconds(10)));
  Opened broken = open();
  server.reset_streams();
  EXPECT_EQ(broken.lines->next({}).error().fault, Fault::failed);
  EXPECT_FALSE(broken.lines->idle());

  ASSERT_TRUE(server.wait_for_streams(0, Seconds(10)));
  Opened cut = open();
  server.send_raw("half a li");
  server.end_streams();
  EXPECT_EQ(cut.lines->next({}).error().fault, Fault::failed);
}

TEST_F(StreamTest, a_half_open_connection_is_noticed_by_its_silence) {
  Opened opened = open({.idle = Milliseconds(100)});
  server.silence_streams();
  const auto line = opened.lines->next({});
  ASSERT_FALSE(line.ok());
  EXPECT_EQ(line.error().fault, Fault::failed);
  EXPECT_TRUE(opened.lines->idle());
}

TEST_F(StreamTest, a_refusal_is_answered_with_its_body) {
  server.put(kinds::config_maps, settings("v"));
  server.compact();
  const Result<Opened> opened = transport->open(watch(kinds::config_maps, {}, {"1", 60}), {}, {});
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->head.status, 410);
  EXPECT_THAT(opened->head.body, HasSubstr("Expired"));
  EXPECT_FALSE(opened->lines);
}

TEST_F(StreamTest, a_line_beyond_its_cap_is_refused_and_more_lines_than_the_buffer_holds_arrive) {
  Opened opened = open({.line_bytes = 10'000});
  for (int i = 0; i < 400; ++i) server.send_raw(std::string(9'999, 'x') + "\n");
  for (int i = 0; i < 400; ++i) ASSERT_EQ(opened.lines->next({}).value()->size(), 9'999U);
  server.send_raw(std::string(20'000, 'x'));
  EXPECT_EQ(opened.lines->next({}).error().fault, Fault::invalid);
}

TEST_F(StreamTest, a_stop_ends_the_wait_and_dropping_the_stream_closes_its_connection) {
  {
    Opened opened = open();
    std::stop_source stop;
    std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_EQ(opened.lines->next(stop.get_token()).error().fault, Fault::cancelled);
  }
  server.put(kinds::config_maps, settings("v"));  // the write meets the closed connection
  server.put(kinds::config_maps, settings("w"));
  EXPECT_TRUE(server.wait_for_streams(0, Seconds(10)));
}

TEST_F(StreamTest, a_stream_that_is_dropped_while_the_reader_lags_does_no_harm) {
  for (int i = 0; i < 5; ++i) {
    Opened opened = open({.line_bytes = 1'000});
    for (int n = 0; n < 300; ++n) server.send_raw(std::string(9'999, 'x') + "\n");
    EXPECT_FALSE(opened.lines->next({}).ok());
  }
}

}  // namespace
}  // namespace tributary::kube
