#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/base/clock.h"
#include "engine/model/change.h"
#include "engine/pipeline/applier.h"
#include "engine/pipeline/change_stream.h"

// When a group of transactions is committed, and how it is applied: pure decisions over what has been given to the
// applier and a time. Few transactions at once while the stream is near, so that they arrive soon; large groups by net
// change when it is behind.
namespace tributary::pipeline {

class Pace {
 public:
  struct Limits {
    Milliseconds longest_group{20};        // that a transaction waits for others
    std::size_t group_transactions = 100;  // while near
    std::size_t group_bytes = 4 << 20;     // while behind
    std::uint64_t behind_from = 8 << 20;   // bytes of log by which the stream is behind
    std::uint64_t near_from = 1 << 20;     // and by which it is near again
    Milliseconds durable_every{1'000};     // then a commit waits for the disk, and the source may forget
    Milliseconds idle_every{10'000};       // then a position is written that moved without a change for us
    Milliseconds sequences_every{60'000};  // then their values are carried, and a group is committed for it
    Milliseconds holds_every{250};         // then somebody is looked for who wants the stream to stand still
  };

  enum class Commit { none, fast, durable };

  // `applied` as the ledger has it, which may not be on disk.
  Pace(const Limits& limits, model::Lsn applied, SteadyTime now);

  // How the next batch is applied. Changes between two groups only, but for one that grows large by a single
  // transaction: the rest of that is summed up too.
  ApplyMode mode() const { return mode_; }
  // What the stream had and the applier was given; none at all says that there is no more for now.
  void took(const model::Events& events, SteadyTime now);
  void reached(const Reach& reach);
  // What is due now.
  Commit due(SteadyTime now) const;
  // Until when the stream may be waited for without missing what is due.
  Milliseconds patience(SteadyTime now) const;
  void committed(Commit how, SteadyTime now);

  // Of the open group: transactions that have ended, and changes.
  std::size_t transactions() const { return transactions_; }
  std::size_t changes() const { return changes_; }
  bool between_transactions() const { return !inside_; }
  // Of the last commit or idle event that was given, and of the last that is on the target's disk.
  model::Lsn given() const { return given_; }
  model::Lsn durable() const { return durable_; }

 private:
  const Limits limits_;
  ApplyMode mode_ = ApplyMode::ordered;
  bool dry_ = false;
  bool inside_ = false;              // a transaction has begun and not ended
  std::optional<SteadyTime> since_;  // the open group's first transaction was given
  std::size_t transactions_ = 0;     // ended, of the open group
  std::size_t changes_ = 0;
  std::size_t bytes_ = 0;
  model::Lsn given_;  // of the last commit or idle event
  model::Lsn applied_;
  model::Lsn durable_;
  model::Lsn source_end_;
  SteadyTime last_durable_;
};

}  // namespace tributary::pipeline
