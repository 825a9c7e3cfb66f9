#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/source.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/postgres/ledger/stream_ledger.h"

// Whose stream it is, and the lock that keeps others from it.
namespace tributary::postgres::sync {

using Resolve = std::function<Result<Parameters>()>;  // of the database; asked before every connect

struct StreamOptions {
  Resolve source;
  Resolve target;
  std::string replication;  // Spec.replication; "" to derive it from the source's identity
  std::string selection;    // of tables, as a digest; "" means all of the source's database
  int attempt = 0;
  Seconds lock_patience{10};
  // Whether a table of the source, which is a partition of those above it, nearest first, is selected.
  std::function<bool(const model::Name&, const std::vector<model::Name>& above)> selects = nullptr;
  api::SyncOptions sync = {};
  Milliseconds look_every{60'000};  // at the source's catalog
  api::RecopyOptions recopy = {};
};

struct SourceSide {
  Connection session;
  pipeline::SourceIdentity identity;
  std::string key;  // of the replication
};
Result<SourceSide> look_at_source(const StreamOptions& options, const Until& until);

// A session on the target of the replication `key`, with the source's encoding.
Result<Connection> open_stream_session(const StreamOptions& options, const SourceSide& source, std::string_view purpose,
                                       const Until& until);

// What the ledger says, nothing where it knows nothing; after claim() under the replication's lock, which is held as
// long as `control` lives.
struct Claimed {
  Connection control;
  Owner owner;
  std::optional<ReplicationRow> replication;
  std::optional<StreamRow> stream;
  std::string name = "";  // of what the source has for this replication and this target: slot and publication of ours
};
// The same without the lock, which another engine may hold: what is read may have changed by now.
Result<Claimed> look_at_target(const StreamOptions& options, const SourceSide& source, const Until& until);
// Fault::invalid where somebody made the target's transactions read-only: that any session can take the protection off
// does not make it ours to take off.
Result<void> require_writable(Connection& target, const Until& until);
// Waits for another engine as long as the options say, then Fault::fenced.
Result<Claimed> claim(const StreamOptions& options, const SourceSide& source, const Until& until);

}  // namespace tributary::postgres::sync
