#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/pipeline/follow.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/sequence_carrier.h"

namespace tributary::postgres::sync {

// Both ends of one database's stream. A control session on the target holds the replication's lock from the first
// applier() to the end of this object.
class StreamEnds final : public pipeline::StreamEnds {
 public:
  explicit StreamEnds(StreamOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<pipeline::Applier>> applier(const Until& until) override;
  Result<std::unique_ptr<pipeline::ChangeStream>> stream(model::Lsn applied, const Until& until) override;
  Result<pipeline::SlotHealth> look_at_slot(const Until& until) override;
  Result<void> carry_sequences(const Until& until) override;

 private:
  const StreamOptions options_;
  std::optional<SourceSide> source_;
  std::optional<Claimed> claimed_;
  SequenceCarrier sequences_;
};

}  // namespace tributary::postgres::sync
