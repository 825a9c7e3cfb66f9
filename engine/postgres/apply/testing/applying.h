#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "engine/base/until.h"
#include "engine/pipeline/applier.h"
#include "engine/postgres/apply/testing/change_log.h"
#include "engine/postgres/apply/testing/replica.h"

// An applier over tables of a test's own, on each version of the target that counts and in both modes.
namespace tributary::testbed {

inline Until soon() {
  return {Deadline::after(Seconds{60}), {}};
}

inline auto every_version_and_mode() {
  return ::testing::Combine(::testing::Values(13, 15, 17, 18),
                            ::testing::Values(pipeline::ApplyMode::ordered, pipeline::ApplyMode::coalesced));
}

class Applying : public ::testing::TestWithParam<std::tuple<int, pipeline::ApplyMode>> {
 protected:
  void follow(const std::string& tables, const std::string& rows = "");
  LogTablePtr log(const std::string& table) const { return described(replica_->database(), table); }
  pipeline::ApplyMode mode() const { return std::get<1>(GetParam()); }

  Result<void> try_to_apply(const model::Batch& batch, bool durable = false);
  // The changes stop a table, and nothing of their transaction is kept.
  std::string why_stopped(const ChangeLog& changes);
  std::string rows(const std::string& sql) const { return replica_->rows(sql); }
  std::string all(const std::string& table) const { return rows("SELECT * FROM " + table + " ORDER BY 1"); }

  std::optional<Replica> replica_;
  std::unique_ptr<pipeline::Applier> applier_;
};

}  // namespace tributary::testbed
