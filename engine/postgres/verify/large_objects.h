#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/api/verification.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/progress.h"
#include "engine/postgres/moment/moment.h"
#include "engine/postgres/verify/comparison.h"

// What a database has beside the rows of its tables: large objects, and the rows of materialized views.
namespace tributary::postgres::verify {

struct BesideTables {
  bool compares_large_objects = false;
  std::vector<api::Unread> unread;  // what is not compared, and why
};

// `tables` are those of the source that are compared. Large objects belong to the selection as they do in a copy; no
// stream carries them, so beside one they are as they were copied and not compared.
Result<BesideTables> look_beside_tables(const ComparisonOptions& options, const std::vector<model::Name>& tables,
                                        const Until& until);

// What clients read of the large objects of both ends, in as many moments as it takes; owners and grants are not
// compared. One that only the target has is too many where the whole database is compared. The servers read and hash a
// quarter of a megabyte at a time, and a thousand objects in one statement.
class LargeObjectComparison {
 public:
  LargeObjectComparison(const ComparisonOptions& options, pipeline::ProgressBoard& board);

  bool is_done() const { return is_done_; }
  // From where it was until `enough`, or to the end. What a server refuses is the end: nothing is claimed then.
  Result<void> go_on(const moment::Moment& moment, const Deadline& enough, const Until& until);
  const api::TableVerification& result() const { return result_; }

 private:
  struct Content {
    std::uint32_t id = 0;
    std::string hash;
  };
  Result<void> compare_next(Sessions& sessions, const Until& until);
  Result<std::vector<Content>> read(Connection& connection, std::uint32_t last, const Until& until);
  void compare(const std::vector<Content>& source, const std::vector<Content>& target);
  void tell(api::RowDifference::Kind kind, std::uint32_t id);

  const ComparisonOptions& options_;
  pipeline::ProgressBoard& board_;
  std::uint32_t after_ = 0;  // all up to this one are compared
  bool is_done_ = false;
  api::TableVerification result_;
};

}  // namespace tributary::postgres::verify
