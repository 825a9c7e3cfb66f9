#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/verification.h"
#include "engine/pipeline/progress.h"
#include "engine/postgres/verify/doubts.h"
#include "engine/postgres/verify/subjects.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/verify/subset.h"

namespace tributary::postgres::verify {

// A table that is compared, and what is known of it so far.
struct Compared {
  Subject subject;
  TablePair pair;
  pipeline::TableMeter* meter = nullptr;
  std::size_t ranges_left = 0;
  api::TableVerification result = {};
  std::vector<Doubt> doubts = {};
};

// What one session pair does at a time.
struct Range {
  std::size_t table = 0;
  int number = 0;  // of its table
  tributary::verify::KeyRange keys;
  std::uint64_t bytes = 0;  // estimate
  int tries = 0;
};

// A range that was compared before, and what it was found to hold.
struct KnownRange {
  Range range;
  api::TableVerification found;
};

// `since` becomes the earlier of two times, RFC 3339, of which "" is none.
void keep_earliest(std::string& since, const std::string& other);

// The ranges that are still to be compared, the largest first, and what came of the others. Any thread.
class Work {
 public:
  Work(std::vector<Compared> tables, std::vector<Range> ranges);

  // Which tables are done with that.
  std::vector<std::size_t> knows(const std::vector<KnownRange>& known);

  std::optional<Range> take();
  // In a later moment, again.
  void put_back(Range range);
  void begin_moment();
  // Those that are put back included.
  std::size_t left() const;
  const Compared& table(std::size_t table) const { return tables_[table]; }

  // What a range was found to hold. True where it was the last of its table.
  bool done(const Range& range, const api::TableVerification& found, const std::vector<Doubt>& doubts = {});
  // Those that hold one of these, which are not comparable by now: its ranges are done.
  void give_up(const std::map<model::Name, std::string>& reasons);

  // Nothing is claimed of those that hold one of these, whatever was found.
  void disclaim(const std::map<model::Name, std::string>& reasons);

  // Of the tables that still stand, once all ranges are done.
  std::map<std::size_t, std::vector<Doubt>> doubts() const;
  // Differences that were in doubt; `is_last`: none is left of the table.
  void settle(std::size_t table, const api::TableVerification& found, bool is_last);
  // Nothing is claimed of the table any more: its ranges are done.
  void give_up(std::size_t table, const std::string& reason);

  std::vector<api::TableVerification> results() const;

 private:
  static void drop(Compared& table, const std::string& reason);
  void forget_dropped();

  mutable std::mutex mutex_;
  std::vector<Compared> tables_;
  std::deque<Range> ranges_;
  std::vector<Range> later_;
};

}  // namespace tributary::postgres::verify
