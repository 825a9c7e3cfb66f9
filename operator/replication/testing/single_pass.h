#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "operator/replication/reconcile.h"
#include "operator/replication/testing/bed.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication::testing {

// One pass at a time, each on the test's own word.
class SinglePass : public ::testing::Test {
 protected:
  SinglePass() {
    scopes.push_back(std::make_unique<Scope>(*bed.transport, "", queue));
    EXPECT_TRUE(scopes[0]->wait_synced(Deadline::after(Seconds(10)), {}));
    EXPECT_TRUE(bed.server.wait_for_streams(5, Seconds(10)));
  }

  static bool shows(const kube::Store& store, const std::vector<kube::Object>& objects) {
    return store.size() == objects.size() &&
           std::all_of(objects.begin(), objects.end(), [&](const kube::Object& object) {
             const kube::Seen seen = store.find(object.key());
             return seen && seen->resource_version() == object.resource_version();
           });
  }

  bool shows_secret(const std::string& name) const {
    const kube::Seen seen = scopes[0]->secret({shop.space, name});
    return (seen ? seen->resource_version() : "") ==
           bed.server.find(kube::kinds::secrets, {shop.space, name}).resource_version();
  }

  void fill_caches() {
    EXPECT_TRUE(comes_true([&] {
      return shows(scopes[0]->objects(), bed.server.all(replications())) &&
             shows(scopes[0]->jobs(), bed.server.all(kube::kinds::jobs)) &&
             shows(scopes[0]->pods(), bed.server.all(kube::kinds::pods)) && shows_secret("shop-source") &&
             shows_secret("shop-target");
    }));
  }
  // On caches that show what the server has.
  Result<kube::Requeue> pass() {
    fill_caches();
    return blind_pass();
  }
  // On the caches as they are. Between two passes time goes by, so that the engine is asked again.
  Result<kube::Requeue> blind_pass() {
    now += Seconds(5);
    return reconciler(shop, {});
  }

  void fail_once(const std::string& method, const std::string& path_end, kube::testing::Misfortune misfortune) {
    auto left = std::make_shared<int>(1);
    bed.server.set_fate([=](const kube::testing::Served& served) {
      if (method != kube::name_of(served.method) || !served.path.ends_with(path_end) || (*left)-- <= 0) {
        return kube::testing::Misfortune{};
      }
      return misfortune;
    });
  }

  // Up to a running engine that has copied a third.
  void copy() {
    pass().value();
    bed.run_pod();
    bed.answer(copying(33));
    pass().value();
  }
  void complete() {
    pass().value();
    bed.succeed();
    pass().value();
  }

  Bed bed;
  WallTime now = std::chrono::system_clock::now();
  kube::Queue queue;
  kube::Events events{*bed.transport, "test", "test"};
  Listener listener{bed.ask_engine()};
  std::vector<std::unique_ptr<Scope>> scopes;
  Releaser releaser{tell_over_http(), {}};  // without a key it tells nobody anything
  Refusals refusals{bed.client};
  Reconciler reconciler{
      scopes, {bed.client, listener, releaser, refusals, "tributary:test", [this] { return now; }}, events};
};

}  // namespace tributary::replication::testing
