#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/api/verification.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/verify/database_ends.h"
#include "engine/verify/subset.h"

namespace tributary::postgres::verify {

// A range of a comparison that was ended before its end, and what it was found to hold, if that is known.
struct KeptRange {
  int number = 0;
  std::string shape = {};
  tributary::verify::KeyRange keys = {};
  std::optional<api::TableVerification> found = {};
};

// What a comparison has found so far, in the target's ledger, so that one that is killed goes on where it was: of each
// table which ranges it has, and of each range what it holds and when it was read. Gone with the comparison's end. Keys
// are kept, and no other values.
class KeptResults {
 public:
  // `run` tells comparisons apart. Nothing where the target has no ledger of this version, where the role may not write
  // to it, or where another process is at work on the same run. What was read more than an hour ago is worth nothing,
  // by the target's clock, nor is anything where `restart`.
  static Result<std::unique_ptr<KeptResults>> open(const DatabaseEnds& ends, const std::string& run, bool restart,
                                                   const Until& until);

  // Of the table, in order; none where it was not planned before, or was another one by `shape`.
  std::vector<KeptRange> ranges_of(const model::Name& table, const std::string& shape) const;
  // The ranges of tables that had none.
  struct Planned {
    model::Name table;
    std::string shape;  // whatever tells it from another table of the name
    std::vector<tributary::verify::KeyRange> ranges;
  };
  // Here and below: what cannot be written is not kept, and that is all.
  void plan(const std::vector<Planned>& tables, const Until& until);
  // What is recorded from now on is read no earlier than now. Before a moment, with no thread at work; takes up the
  // session anew where it was lost.
  void begin_moment(const Until& until);
  // In any thread. May be written a second later, with others.
  void record(const model::Name& table, int number, const api::TableVerification& found, const Until& until);
  // Writes what was not written yet.
  void flush(const Until& until);
  // The comparison is over.
  void forget(const Until& until);

 private:
  using Ranges = std::map<model::Name, std::vector<KeptRange>>;

  KeptResults(const DatabaseEnds& ends, std::string run, Connection session)
      : ends_(ends), run_(std::move(run)), session_(std::move(session)) {}
  Result<Ranges> read(const Until& until);
  Result<void> write_plan(const std::vector<Planned>& tables, const Until& until);
  Result<void> take_up_session(const Until& until);
  void write(const Until& until);

  const DatabaseEnds ends_;
  const std::string run_;
  Connection session_;
  Ranges ranges_;
  struct Unwritten {
    model::Name table;
    int number = 0;
    std::string found;
  };
  std::mutex mutex_;  // guards session_ and what follows, once record() may be called
  std::vector<Unwritten> unwritten_;
  Deadline write_due_ = Deadline::after(Milliseconds{0});
  SteadyTime read_since_ = SteadyClock::now();
};

}  // namespace tributary::postgres::verify
