#include "operator/replication/releaser.h"

#include <gtest/gtest.h>

#include <optional>

#include "engine/base/seal.h"
#include "operator/kube/kinds.h"
#include "operator/replication/release_key.h"
#include "operator/replication/testing/bed.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
namespace kinds = kube::kinds;

constexpr const char* uid = "11111111-2222-3333-4444-555555555555";

class ReleaserTest : public ::testing::Test {
 protected:
  Result<int> status{202};
  std::string path;
  std::string token;
  Releaser releaser{[this](const std::string& ip, const std::string& bearer, bool forget, Until) {
                      path = ip + (forget ? " forget" : "");
                      token = bearer;
                      return status;
                    },
                    {}};
};

TEST_F(ReleaserTest, an_engine_knows_the_hash_of_a_token_that_only_the_key_gives) {
  EXPECT_EQ(releaser.token_hash(uid), "");
  releaser.set_key("key");
  releaser.order(uid, "10.0.0.8", true, true);
  EXPECT_EQ(path, "10.0.0.8 forget");
  EXPECT_EQ(token, hmac_sha256("key", uid));
  EXPECT_EQ(releaser.token_hash(uid), sha256(token));
  EXPECT_NE(releaser.token_hash("another"), releaser.token_hash(uid));
}

TEST_F(ReleaserTest, what_an_engine_answers_is_remembered_until_another_stream_is_asked) {
  releaser.set_key("key");
  const auto answers = [&](Result<int> to, bool first) {
    status = std::move(to);
    releaser.order(uid, "10.0.0.8", false, first);
    return releaser.answer(uid);
  };
  EXPECT_EQ(answers(202, true), ReleaseAnswer::none);
  EXPECT_EQ(answers(200, false), ReleaseAnswer::released);
  EXPECT_EQ(answers(Error{Fault::transient, "refused"}, false), ReleaseAnswer::released);
  for (const int refusal : {403, 404, 405}) EXPECT_EQ(answers(refusal, true), ReleaseAnswer::refused) << refusal;
  EXPECT_EQ(answers(503, true), ReleaseAnswer::none);
  answers(200, true);
  releaser.forget(uid);
  EXPECT_EQ(releaser.answer(uid), ReleaseAnswer::none);
}

// Without the fence's own deadline a process that was frozen would still send what another one decides by now.
TEST(FencedOrder, is_over_when_the_leadership_is) {
  kube::Fence fence{"ns/lease"};
  std::vector<SteadyTime> ends;
  const TellEngine order = fenced(fence, [&](const std::string&, const std::string&, bool, Until until) -> Result<int> {
    ends.push_back(until.deadline.at());
    return 202;
  });
  EXPECT_EQ(order("10.0.0.8", "token", false, {}).error().fault, Fault::fenced);
  const SteadyTime end = SteadyClock::now() + std::chrono::hours(1);
  ASSERT_TRUE(fence.extend(end));
  EXPECT_EQ(order("10.0.0.8", "token", false, {}).value(), 202);
  EXPECT_EQ(ends, std::vector<SteadyTime>{end});
}

TEST(FencedOrder, that_was_not_answered_delays_the_closing_where_an_engine_may_have_it) {
  for (const Fault fault : {Fault::transient, Fault::failed}) {
    kube::Fence fence{"ns/lease"};
    ASSERT_TRUE(fence.extend(SteadyClock::now() + std::chrono::hours(1)));
    const TellEngine order = fenced(fence, [&](const std::string&, const std::string&, bool, Until) -> Result<int> {
      return Error{fault, "no"};
    });
    ASSERT_FALSE(order("10.0.0.8", "token", false, {Deadline::after(std::chrono::minutes(1))}).ok());
    EXPECT_EQ(fence.close({Deadline::after(Milliseconds(0))}), fault == Fault::transient);
  }
}

class ReleaseKeyTest : public ::testing::Test {
 protected:
  void put(const std::string& key) {
    kube::Json secret = {{"metadata", {{"name", "key"}, {"namespace", "system"}}}};
    if (!key.empty()) secret["data"] = {{"key", to_base64(key)}};
    bed.server.put(kinds::secrets, secret);
  }
  Result<std::string> key() { return release_key(bed.client, {"system", "key"}); }
  Bed bed;
};

TEST_F(ReleaseKeyTest, an_empty_secret_is_filled_once) {
  put("");
  const Result<std::string> first = key();
  ASSERT_TRUE(first.ok()) << describe(first.error());
  EXPECT_EQ(first->size(), 32U);
  EXPECT_EQ(key().value(), *first);
}

TEST_F(ReleaseKeyTest, a_key_that_is_there_is_taken_and_one_that_can_be_guessed_is_replaced) {
  put(std::string(32, 'k'));
  EXPECT_EQ(key().value(), std::string(32, 'k'));
  put("short");
  EXPECT_EQ(key()->size(), 32U);
}

TEST_F(ReleaseKeyTest, a_secret_that_somebody_changed_meanwhile_is_looked_at_again) {
  put("");
  bed.server.set_fate([refused = false](const kube::testing::Served& served) mutable {
    using kube::testing::Misfortune;
    const bool now = served.method == kube::Method::patch && !std::exchange(refused, true);
    return now ? Misfortune{Misfortune::Kind::answer, 409, "Conflict", "changed"} : Misfortune{};
  });
  EXPECT_EQ(key().error().fault, Fault::transient);
  EXPECT_EQ(key()->size(), 32U);
}

TEST_F(ReleaseKeyTest, a_secret_that_nobody_made_is_missing) {
  EXPECT_EQ(key().error().fault, Fault::missing);
}

}  // namespace
}  // namespace tributary::replication
