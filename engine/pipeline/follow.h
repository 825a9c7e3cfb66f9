#pragma once

#include <memory>

#include "engine/base/backoff.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/pipeline/applier.h"
#include "engine/pipeline/change_stream.h"
#include "engine/pipeline/holds.h"
#include "engine/pipeline/pace.h"
#include "engine/pipeline/recopy.h"
#include "engine/pipeline/slot_health.h"
#include "engine/pipeline/stream_board.h"
#include "engine/pipeline/table_standing.h"

// One database after its snapshot: what the source commits is committed on the target, for as long as it is asked to.
namespace tributary::pipeline {

// Both ends of one database's stream. Used by one thread.
class StreamEnds {
 public:
  virtual ~StreamEnds() = default;

  // Takes the replication over and holds the ledger against the source: from here on nobody else can commit.
  // Fault::fenced where another engine has it, Fault::lost where the stream cannot go on without a gap,
  // Fault::invalid where there is nothing to go on from. Destroying the applier lets go.
  virtual Result<std::unique_ptr<Applier>> applier(const Until& until) = 0;
  // Opens the stream behind `position`, after one that has ended too: the source is held against the ledger each time,
  // and its log by the stream itself, which gives nothing before, and Fault::lost where it is another one.
  virtual Result<std::unique_ptr<ChangeStream>> stream(const StreamPosition& position, const Until& until) = 0;
  // Asks the source itself, while an applier is held. Fault::lost where the slot is gone or was invalidated.
  virtual Result<SlotHealth> look_at_slot(const Until& until) = 0;
  // The same at any time, of the source alone: over a session of its own.
  virtual Result<SlotHealth> look_at_slot_alone(const Until& until) = 0;
  // Which tables are not followed, by the ledger's word, while an applier is held.
  virtual Result<TableStanding> look_at_ledger(const Until& until) = 0;
  // Sets the target's sequences to where the source's are, which no stream tells: a target that takes over must not
  // give out old numbers. Called between two commits, while an applier is held.
  virtual Result<void> carry_sequences(const Until& until) = 0;
  // Holds the source's tables against those that are followed, when it is time to or where they have changed, and
  // carries out what became of them. True where the applier is to read anew which tables it follows. Called every
  // second or so between two commits, while an applier is held that has given all up to `applied`.
  enum class Look { when_due, now };
  virtual Result<bool> look_at_tables(model::Lsn applied, Look look, const Until& until) = 0;
  // Keeps in the ledger, for whoever asks later, why the stream that was taken over has ended.
  virtual Result<void> record_end(const Error& why, const Until& until) = 0;
  // For the tables that are copied again while the applier that was made last lives; for another thread.
  virtual std::unique_ptr<RecopyEnds> recopy_ends() = 0;
  // Those who want the stream to stand still; lives as long as this object.
  virtual Holds& holds() = 0;
};

// Follows until `until` stops it, which is success: then the last group is committed and on disk, and confirmed.
// Transient faults are overcome by beginning again from the ledger, with pauses between, in which what the source keeps
// is watched; a table whose changes cannot be applied is stopped, and the others go on; tables are copied again where
// the ledger says so. Any other Error ends it.
Result<void> follow(StreamEnds& ends, StreamMeter& meter, const Until& until, const Pace::Limits& limits = {},
                    const Backoff::Limits& pauses = {}, const RecopyLimits& recopies = {});

// The same without applying anything: nobody else can take the stream up, and what the source keeps for it is watched.
Result<void> hold(StreamEnds& ends, StreamMeter& meter, const Until& until, const Backoff::Limits& pauses = {});

}  // namespace tributary::pipeline
