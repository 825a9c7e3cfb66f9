#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/pipeline/follow.h"
#include "engine/postgres/apply/descriptions.h"
#include "engine/postgres/stream/logical_stream.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/holds.h"
#include "engine/postgres/sync/position.h"
#include "engine/postgres/sync/recopy_round.h"
#include "engine/postgres/sync/sequence_carrier.h"
#include "engine/postgres/sync/shape_keeper.h"
#include "engine/postgres/sync/table_standing.h"

namespace tributary::postgres::sync {

// Both ends of one database's stream. A control session on the target holds the replication's lock from the first
// applier() to the end of this object.
class StreamEnds final : public pipeline::StreamEnds, private apply::Descriptions {
 public:
  explicit StreamEnds(StreamOptions options) : options_(std::move(options)) {}
  StreamEnds(const StreamEnds&) = delete;
  StreamEnds& operator=(const StreamEnds&) = delete;

  Result<std::unique_ptr<pipeline::Applier>> applier(const Until& until) override;
  Result<std::unique_ptr<pipeline::ChangeStream>> stream(const pipeline::StreamPosition& position,
                                                         const Until& until) override;
  Result<pipeline::SlotHealth> look_at_slot(const Until& until) override;
  Result<pipeline::SlotHealth> look_at_slot_alone(const Until& until) override;
  Result<pipeline::TableStanding> look_at_ledger(const Until& until) override;
  Result<void> carry_sequences(const Until& until) override;
  Result<bool> look_at_tables(model::Lsn applied, Look look, const Until& until) override;
  Result<void> record_end(const Error& why, const Until& until) override;
  std::unique_ptr<pipeline::RecopyEnds> recopy_ends() override;
  pipeline::Holds& holds() override { return holds_; }

 private:
  bool fits(const model::LogTable& log) const override { return shapes_.fits(log); }
  Result<void> look_into(const model::LogTable& log, const Until& until) override;
  Result<bool> learn_values(const Until& until) override { return shapes_.learn_values(*source_, *claimed_, until); }
  Result<void> take_up(const Until& until);
  Result<std::unique_ptr<stream::LogicalStream>> open_stream(const pipeline::StreamPosition& position,
                                                             const Until& until) const;
  Result<void> prove_log(const Until& until);
  Result<void> check_again(model::Lsn applied, const Until& until);

  const StreamOptions options_;
  std::optional<SourceSide> source_;
  std::optional<Claimed> claimed_;
  Holds holds_{claimed_};
  std::string slot_;         // of the stream, once it was claimed
  NamedRequest request_;     // of the options, by the ledger's tables
  SourceStanding standing_;  // of the last check
  bool is_checked_ = false;  // since the last stream was opened
  // By whose log the source was found to be the ledger's, until stream() gives it away.
  std::unique_ptr<stream::LogicalStream> proven_;
  SequenceCarrier sequences_;
  std::mutex publishing_;  // of RecopyStream
  RoundSlot recopy_slot_;  // likewise
  Looks looks_;            // likewise
  ShapeKeeper shapes_{options_, publishing_, looks_};
};

}  // namespace tributary::postgres::sync
