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
  void ended(std::shared_ptr<const SourceSight> sight, std::set<std::uint32_t> put_off) {
    const std::lock_guard lock(mutex_);
    last_ = {last_.number + 1, std::move(sight), std::move(put_off)};
  }
  Look last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

  void ask() {
    const std::lock_guard lock(mutex_);
    is_asked_ = true;
  }
  // Since the last look began.
  bool is_asked() const {
    const std::lock_guard lock(mutex_);
    return is_asked_;
  }
  void began() {
    const std::lock_guard lock(mutex_);
    is_asked_ = false;
  }

 private:
  mutable std::mutex mutex_;  // guards everything below
  Look last_;
  bool is_asked_ = false;
};

}  // namespace tributary::postgres::sync
