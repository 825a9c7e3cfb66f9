#include "engine/serve/request.h"

#include <gtest/gtest.h>

#include <random>

namespace tributary::serve {
namespace {

constexpr std::string_view good = "GET /status?pretty HTTP/1.1\r\nHost: pod\r\nAccept: */*\r\n\r\n";

int status_of(std::string_view bytes) {
  const auto parsed = parse_request(bytes);
  if (std::holds_alternative<Request>(parsed)) return 200;
  if (const Response* refusal = std::get_if<Response>(&parsed)) return refusal->status;
  return 0;
}

TEST(Request, is_read_without_its_query) {
  const auto parsed = parse_request(good);
  ASSERT_TRUE(std::holds_alternative<Request>(parsed));
  EXPECT_EQ(std::get<Request>(parsed).method, "GET");
  EXPECT_EQ(std::get<Request>(parsed).path, "/status");
}

std::string bearer_of(const std::string& fields) {
  const auto parsed = parse_request("POST /release?forget HTTP/1.1\r\n" + fields + "\r\n");
  const Request* request = std::get_if<Request>(&parsed);
  return request == nullptr ? "refused" : request->bearer;
}

TEST(Request, has_the_query_and_the_token_that_it_carries) {
  const auto parsed = parse_request("POST /release?forget HTTP/1.1\r\nAuthorization: Bearer abc\r\n\r\n");
  ASSERT_TRUE(std::holds_alternative<Request>(parsed));
  EXPECT_EQ(std::get<Request>(parsed).query, "forget");
  EXPECT_EQ(std::get<Request>(parsed).bearer, "abc");
  EXPECT_EQ(bearer_of("Host: a\r\nAUTHORIZATION:\tbearer  abc \r\nAccept: */*\r\n"), "abc");
}

TEST(Request, a_token_that_is_none_or_not_the_only_one_is_none) {
  for (const char* fields :
       {"", "Host: a\r\n", "Authorization: Basic abc\r\n", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n",
        "Authorization: Bearer a b\r\n", "Authorization abc\r\n", "X-Authorization: Bearer abc\r\n",
        "Authorization: Bearerabc\r\n", "Authorization: Bearer abc\r\nAuthorization: Bearer abc\r\n"})
    EXPECT_EQ(bearer_of(fields), "") << fields;
}

TEST(Request, every_true_prefix_is_incomplete) {
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_EQ(status_of(good.substr(0, size)), 0) << size;
}

TEST(Request, what_is_none_is_refused) {
  const std::pair<std::string, int> cases[] = {{"\r\n\r\n", 400},
                                               {"GET\r\n\r\n", 400},
                                               {"GET /\r\n\r\n", 400},
                                               {"get / HTTP/1.1\r\n\r\n", 400},
                                               {"GET status HTTP/1.1\r\n\r\n", 400},
                                               {"GET http://pod/ HTTP/1.1\r\n\r\n", 400},
                                               {"GET /a b HTTP/1.1\r\n\r\n", 400},
                                               {std::string("GET /\0 HTTP/1.1\r\n\r\n", 20), 400},
                                               {"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", 400},
                                               {" / HTTP/1.1\r\n\r\n", 400},
                                               {"GET / HTTP/2\r\n\r\n", 505},
                                               {"GET / HTTP/1.1 \r\n\r\n", 400},
                                               {"GET /\nHTTP/1.1\r\n\r\n", 400},
                                               {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
                                               {"GET /" + std::string(head_limit, 'a'), 431}};
  for (const auto& [bytes, status] : cases) EXPECT_EQ(status_of(bytes), status) << bytes;
}

TEST(Request, random_and_mutilated_bytes_give_one_of_three_answers) {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(good);
    const std::size_t changes = 1 + random() % 8;
    for (std::size_t i = 0; i < changes; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    const auto parsed = parse_request(bytes);
    const Request* request = std::get_if<Request>(&parsed);
    ASSERT_TRUE(request == nullptr || request->path.starts_with('/')) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tributary::serve
