#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/backoff.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/model/name.h"
#include "engine/pipeline/applier.h"
#include "engine/pipeline/change_stream.h"
#include "engine/pipeline/crossing.h"
#include "engine/pipeline/pace.h"
#include "engine/pipeline/relay.h"
#include "engine/pipeline/stream_board.h"
#include "engine/pipeline/table_standing.h"

// Tables of a stream that are copied again while the others are followed: those that stopped, changed beyond replay, or
// were asked for. Their rows are replaced by those of one new position, in a transaction each, so that nobody sees a
// table empty or half full; their changes since are applied beside the stream until it can take them back.
namespace tributary::pipeline {

// Tables that stop together, since the rows of all lie in one table of the target; mostly one alone.
using StoppedUnit = std::vector<StoppedTable>;

// Some tables at one position of the source, which keeps its log from there on as long as this object lives. Used by
// one thread.
class RecopyRound {
 public:
  virtual ~RecopyRound() = default;

  // Those that can not be copied again, and why.
  virtual const std::vector<StoppedUnit>& refused() const = 0;
  // The others, in groups whose rows can only be replaced together.
  virtual const std::vector<std::vector<model::Name>>& units() const = 0;
  // Replaces the rows of a unit, in one transaction with their position in the ledger. With that a table that is not
  // streamed is done. `told` hears of rows and bytes.
  virtual Result<void> copy(std::size_t unit, const Told& told, const Until& until) = 0;

  // After the last copy(): whether changes of a table that was copied are to be applied.
  virtual bool follows() const = 0;
  // These alone, once each.
  virtual Result<std::unique_ptr<Applier>> applier(const Until& until) = 0;
  virtual Result<std::unique_ptr<ChangeStream>> stream(const Until& until) = 0;
  // Records that the stream may take them back, from their own position on.
  virtual Result<void> hand_over(const Until& until) = 0;
};

// Both ends of a database's stream, for its tables that are copied again, while an applier of StreamEnds lives. Used by
// one thread.
class RecopyEnds {
 public:
  virtual ~RecopyEnds() = default;

  // The tables that the ledger says are to be copied again, and those that can only be along with them. Nobody but the
  // stream has them then.
  virtual Result<std::vector<AskedTable>> wanted(const Until& until) = 0;
  // When the stream passes them over.
  virtual Result<std::unique_ptr<RecopyRound>> begin(const std::vector<AskedTable>& tables, const Until& until) = 0;
  // Records that tables stand still for good, but where the source has changed one of them and the stream has still to
  // deal with that: then all stay asked for, and are not wanted until that may be done.
  virtual Result<void> stop(const StoppedUnit& unit, const Until& until) = 0;
};

struct RecopyLimits {
  Milliseconds look_every{2'000};
  std::uint64_t near = 1 << 20;           // bytes of log that the stream may be ahead when it is asked to wait
  Milliseconds first_patience{10'000};    // of the stream, for what is left then
  Milliseconds longest_patience{60'000};  // after meetings that were missed
  Pace::Limits pace = {};
  Backoff::Limits pauses{Milliseconds{1'000}, 2.0, Milliseconds{60'000}, 0.5};
};

// `reasons` of some tables that share one of the target are a reason to stop all: for `all` in their order.
StoppedUnit stopped_together(const std::vector<model::Name>& all, const std::vector<StoppedTable>& reasons);

// Copies again what is asked for, until stopped. Faults that may pass are overcome by another round; a table whose rows
// the target refuses stops, and the others go on. Ends before the stop where another engine owns the replication.
void recopy(RecopyEnds& ends, Crossing& crossing, StreamMeter& meter, const Until& until,
            const RecopyLimits& limits = {});

}  // namespace tributary::pipeline
