#pragma once

#include <optional>

#include "engine/postgres/verify/comparison.h"
#include "engine/postgres/verify/work.h"

namespace tributary::postgres::verify {

// Of one range.
struct RangeFindings {
  api::TableVerification sums;
  std::vector<Doubt> doubts;  // of a moment that is not exact; counted nowhere yet
};

// What another look at rows in doubt has settled, differences alone, and what it has not.
struct SecondLook {
  api::TableVerification settled;
  std::vector<Doubt> left;
};

// Sessions at one moment, and what is compared in them, range by range. Borrows all it is given. Used by one thread.
class RangeComparison {
 public:
  RangeComparison(const ComparisonOptions& options, const Dialect& dialect, const moment::Moment& moment,
                  pipeline::ProgressBoard& board)
      : options_(options), dialect_(dialect), moment_(moment), board_(board) {}

  Result<void> open(const Until& until);
  // Of the range alone.
  Result<RangeFindings> compare(const Compared& table, const Range& range, const Until& until);
  Result<SecondLook> look_again(const Compared& table, const std::vector<Doubt>& doubts, const Until& until);
  // Whether its sessions can go on after an Error.
  bool usable() const { return sessions_ && sessions_->source.usable() && sessions_->target.usable(); }
  // Whether statements of what was compared last have been given away.
  bool has_repaired() const { return has_repaired_; }

 private:
  Result<Sessions*> aside(const Until& until);
  Result<void> require_unchanged(const Compared& table, const Until& until);
  DifferenceLog log_of(const Compared& table, api::TableVerification& found);
  Result<RangeFindings> compare_rows(const Compared& table, const Range& range, const Until& until);
  Result<SecondLook> look_at_rows(const Compared& table, const std::vector<Doubt>& doubts, const Until& until);
  Result<std::uint64_t> count_source(const Compared& table, const Until& until);
  Result<void> set_savepoint(const Until& until);

  const ComparisonOptions& options_;
  const Dialect& dialect_;
  const moment::Moment& moment_;
  pipeline::ProgressBoard& board_;
  std::optional<Sessions> sessions_;
  std::optional<Sessions> aside_;  // for single rows, while the others are busy
  bool has_repaired_ = false;
};

}  // namespace tributary::postgres::verify
