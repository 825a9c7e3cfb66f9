#pragma once

#include <memory>
#include <optional>

#include "engine/api/spec.h"
#include "engine/pipeline/drain.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/position.h"
#include "engine/postgres/sync/slot_sight.h"

namespace tributary::postgres::sync {

// Both ends of the stream of a copy that is not complete; whose Target holds the replication's lock meanwhile.
class CopyDrain final : public pipeline::DrainEnds {
 public:
  explicit CopyDrain(StreamOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<pipeline::Applier>> applier(std::int64_t epoch, const Until& until) override;
  Result<std::unique_ptr<pipeline::ChangeStream>> stream(const pipeline::StreamPosition& position,
                                                         const Until& until) override;
  Result<pipeline::SlotHealth> look_at_slot(const Until& until) override;

 private:
  Result<void> record_end(const Error& why, const Until& until);

  const StreamOptions options_;
  std::optional<SourceSide> source_;
  std::optional<StreamRow> row_;
  SourceStanding standing_;
  Owner owner_;
  SlotSight sight_{options_};
};

// For make_servers(). `spec` must outlive what it gives.
OpenDrain drain_of(const api::Spec& spec);

}  // namespace tributary::postgres::sync
