#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/drain.h"
#include "engine/pipeline/source.h"
#include "engine/pipeline/target.h"

// Both ends of a replication as one session sees them: which databases there are, and a Source and a Target for
// each. postgres/servers.h makes one from a Spec; the pipeline itself has never heard of PostgreSQL's protocol.
namespace tributary::pipeline {

struct DatabasePair {
  std::string source;
  std::string target;
  bool whole = true;  // every table of it is selected
  auto operator<=>(const DatabasePair&) const = default;
};

// One database and its two ends. Used by one thread at a time, as both of its ends.
class Link {
 public:
  virtual ~Link() = default;
  virtual Source& source() = 0;
  virtual Target& target() = 0;
  // Creates on the target's server the roles that the source's has, all or none; what could not be brought over is a
  // finding. Writes, so the target must be claimed; before the source is asked for its schema, which speaks of owners.
  virtual Result<std::vector<api::Finding>> copy_roles(const Until& until) = 0;
  // How the rows of each table travel, once the target's tables exist: writes Table::format.
  virtual Result<void> agree_on_formats(std::vector<model::Table>& tables, const Until& until) = 0;
  // Copies what is neither table nor sequence (large objects) under the source's snapshot, each batch with its ledger
  // row; what is in the ledger already is passed over. `moved` is called whenever some bytes have arrived, on the
  // calling thread. What could not be given to them is a finding.
  virtual Result<std::vector<api::Finding>> copy_objects(const std::function<void()>& moved, const Until& until) = 0;
  // Gives the target's database what the source's has beside its contents (settings, grants, owner, comment), where it
  // was created for this copy. Part of Target::complete(), for it may shut us out. What could not be given is a
  // finding.
  virtual Result<std::vector<api::Finding>> describe_database(const Until& until) = 0;
};

// Used by one thread; a Link must go before its Servers.
class Servers {
 public:
  virtual ~Servers() = default;

  // Everything that `validate` finds, at once; an Error only when the checks themselves could not be made.
  virtual Result<std::vector<api::Finding>> preflight(const Until& until) = 0;
  // The selected databases, by name. Never empty: a selection that matches nothing is Fault::invalid.
  virtual Result<std::vector<DatabasePair>> databases(const Until& until) = 0;
  // Connects the source of one database alone, for a plan. Writes nothing; must go before these Servers.
  virtual Result<std::unique_ptr<Source>> source(const DatabasePair& databases, const Until& until) = 0;
  // Connects both ends of one database; creates the target's where there is none and that is allowed. Nothing else is
  // written.
  virtual Result<std::unique_ptr<Link>> link(const DatabasePair& databases, const Until& until) = 0;
  // The stream of a copy that goes on with one of an earlier attempt; null where these servers cannot: then every
  // attempt begins anew. Connects nowhere yet; must go before these Servers.
  virtual std::unique_ptr<DrainEnds> drain(const DatabasePair& databases) = 0;
  // The source keeps nothing any more for this stream: success means that it has none of it. Under the replication's
  // claim in any case; without it not where somebody has followed it beyond `reached`, which is an Error, for he may
  // have taken over. Needs the source alone.
  virtual Result<void> drop_stream(const DatabasePair& databases, const StreamObjects& stream,
                                   std::optional<model::Lsn> reached, const Until& until) = 0;
  // Copy streams: as many as the spec asks for, or this machine is good for, and both ends have room for; at least 1.
  virtual Result<int> parallelism(const Until& until) = 0;
};

}  // namespace tributary::pipeline
