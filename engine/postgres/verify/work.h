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

// The ranges that are still to be compared, the largest first, and what came of the others. Any thread.
class Work {
 public:
  Work(std::vector<Compared> tables, std::vector<Range> ranges);

  void knows(const std::vector<KnownRange>& known);

  std::optional<Range> take();
  // Again, in a later moment.
  void put_back(Range range);
  std::size_t left() const;
  const Compared& table(const Range& range) const { return tables_[range.table]; }

  const Compared& table(std::size_t table) const { return tables_[table]; }

  // What a range was found to hold. True where it was the last of its table.
  bool done(const Range& range, const api::TableVerification& found, const std::vector<Doubt>& doubts = {});
  // Nothing is claimed of the table any more. True where its last range is done with this.
  bool give_up(const Range& range, const std::string& reason);
  // Those that hold one of these, which are not comparable by now: its ranges are done.
  void give_up(const std::map<model::Name, std::string>& reasons);

  // Of the tables that still stand, once all ranges are done.
  std::map<std::size_t, std::vector<Doubt>> doubts() const;
  // Differences that were in doubt.
  void settle(std::size_t table, const api::TableVerification& found);
  void give_up(std::size_t table, const std::string& reason);

  std::vector<api::TableVerification> results() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Compared> tables_;
  std::deque<Range> ranges_;
};

}  // namespace tributary::postgres::verify
