#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "engine/postgres/sync/source_sight.h"

namespace tributary::postgres::sync {

// A look of the stream at the source's tables that has come to its end.
struct Look {
  std::uint64_t number = 0;                  // 0: there was none
  std::shared_ptr<const SourceSight> sight;  // what was seen, and dealt with
  std::set<std::uint32_t> put_off;           // but for these tables
};

// What the stream's looks have come to, for whoever copies tables again beside it, who may ask for another one. Any
// thread.
class Looks {
 public:
  // `asked`: asked() before it began.
  void ended(std::shared_ptr<const SourceSight> sight, std::set<std::uint32_t> put_off, std::uint64_t asked) {
    const std::lock_guard lock(mutex_);
    last_ = {last_.number + 1, std::move(sight), std::move(put_off)};
    served_ = asked;
  }
  Look last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

  void ask() {
    const std::lock_guard lock(mutex_);
    ++asked_;
  }
  // How often.
  std::uint64_t asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  // For a look that has not come to its end yet.
  bool is_asked() const {
    const std::lock_guard lock(mutex_);
    return asked_ != served_;
  }

 private:
  mutable std::mutex mutex_;  // guards everything below
  Look last_;
  std::uint64_t asked_ = 0;
  std::uint64_t served_ = 0;
};

}  // namespace tributary::postgres::sync
