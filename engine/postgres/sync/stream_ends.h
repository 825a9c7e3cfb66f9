#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/pipeline/follow.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/postgres/stream_ledger.h"
#include "engine/postgres/sync/sequence_carrier.h"

namespace tributary::postgres::sync {

// Both ends of one database's stream. A control session on the target holds the replication's lock from the first
// applier() to the end of this object.
class StreamEnds final : public pipeline::StreamEnds {
 public:
  using Resolve = std::function<Result<Parameters>()>;  // of the database; asked before every connect

  struct Options {
    Resolve source;
    Resolve target;
    std::string replication;  // Spec.replication; "" to derive it from the source's identity
    std::string selection;    // of tables, as a digest; "" means all of the source's database
    int attempt = 0;
    Seconds lock_patience{10};
  };
  explicit StreamEnds(Options options) : options_(std::move(options)) {}

  Result<std::unique_ptr<pipeline::Applier>> applier(const Until& until) override;
  Result<std::unique_ptr<pipeline::ChangeStream>> stream(model::Lsn applied, const Until& until) override;
  Result<void> carry_sequences(const Until& until) override;

 private:
  Result<void> look_at_source(const Until& until);
  Result<void> lock(const Until& until);
  Result<StreamRow> read_ledger(const Until& until);
  Result<int> check_position(const StreamRow& row, const Until& until);
  Result<Connection> target_session(std::string_view purpose, const Until& until) const;

  const Options options_;
  pipeline::SourceIdentity identity_;
  std::string client_encoding_;
  std::optional<Connection> source_;
  std::optional<Connection> control_;
  Owner owner_;
  StreamRow row_;
  SequenceCarrier sequences_;
};

}  // namespace tributary::postgres::sync
