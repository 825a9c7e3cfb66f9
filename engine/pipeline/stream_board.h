#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "engine/api/progress.h"
#include "engine/base/clock.h"
#include "engine/model/lsn.h"
#include "engine/pipeline/applier.h"
#include "engine/pipeline/change_stream.h"
#include "engine/pipeline/slot_health.h"
#include "engine/pipeline/table_standing.h"

namespace tributary::pipeline {

// What one database's stream does, as it says itself: written by the thread that follows, read by any.
class StreamMeter {
 public:
  // The ledger was read, and the stream is opened behind it.
  void opened(const StreamPosition& position);
  // A group was committed.
  void committed(const StreamPosition& position, std::uint64_t transactions, std::uint64_t changes);
  void reached(const Reach& reach, WallTime now);
  // What the source itself said; `state` is what is done with the stream.
  void looked(const SlotHealth& health, api::StreamState state);
  // A fault that is being overcome; "" when it is. What the source keeps is not known any more.
  void troubled(std::string error);
  // What the source itself said meanwhile.
  void measured(const SlotHealth& health);
  // The source keeps nothing for it any more.
  void released();

  // Until the next call the stream itself is asked at every snapshot how far it has come, whatever keeps the thread
  // that follows it; nullptr: there is none.
  void listens_to(const ChangeStream* stream);

  // Which tables are not followed.
  void stands(const TableStanding& tables, WallTime now);

  // What a recopy beside the stream does; nothing where none is asked for. Called by its own thread.
  void recopy(std::optional<api::RecopyProgress> progress);

  // Lag is what the target lacks: 0 where all is applied that the source is known to have.
  api::StreamProgress snapshot(WallTime now) const;
  // Nothing before the first stands(), and where nothing is asked for.
  std::optional<RequestStanding> request() const;

 private:
  mutable std::mutex mutex_;  // guards everything below
  api::StreamState state_ = api::StreamState::connecting;
  StreamPosition position_;
  Reach reach_;
  const ChangeStream* stream_ = nullptr;
  SlotHealth health_;         // as the source said last
  bool is_measured_ = false;  // what it keeps is known
  WallTime caught_up_{};      // the last moment at which nothing was lacking
  std::uint64_t transactions_ = 0;
  std::uint64_t changes_ = 0;
  std::string error_;
  std::optional<api::RecopyProgress> recopy_;
  std::optional<TableStanding> tables_;
  std::optional<WallTime> recopied_since_;  // while some table is to be copied again
};

// While a stream is open. Borrows both.
class Listening {
 public:
  Listening(StreamMeter& meter, const ChangeStream& stream) : meter_(meter) { meter_.listens_to(&stream); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { meter_.listens_to(nullptr); }

 private:
  StreamMeter& meter_;
};

}  // namespace tributary::pipeline
