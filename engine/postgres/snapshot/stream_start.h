#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/source.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/replication/replication.h"
#include "engine/postgres/replication/slot.h"

// How the stream of one database begins: publication first, then the slot, whose snapshot the copy reads under. Names
// derive from the replication, so what an earlier attempt left is known and replaced.
namespace tributary::postgres {

struct StreamWish {
  std::string replication;  // Spec.replication; "" to derive it from the source's identity
  std::string selection;    // of tables, as a digest; "" means all of the source's database
  std::string into;         // the target's identity, of read_target_identity()
  std::string publication;  // to use one that somebody else has made; "": our own
  bool is_needed = true;    // else the copy does without where the source does not allow it
};

struct OpenStream {
  Connection session;  // the slot's snapshot lives as long as it is left alone
  NewSlot slot;
  pipeline::StreamStart start;
};

// `coordinator` is an ordinary session outside of a transaction, `tables` those that are selected. Call with the
// replication claimed: a slot of ours that is there is one that nobody needs.
Result<OpenStream> open_stream(const std::function<Result<Parameters>()>& connect, Connection& coordinator,
                               const StreamWish& wish, const pipeline::SourceIdentity& source,
                               const std::vector<CatalogTable>& tables, const Until& until);

// The same for a copy that can do without: nothing, and why is logged, where the source does not allow it.
Result<std::optional<OpenStream>> open_stream_if_allowed(const std::function<Result<Parameters>()>& connect,
                                                         Connection& coordinator, const StreamWish& wish,
                                                         const pipeline::SourceIdentity& source,
                                                         const std::vector<CatalogTable>& tables, const Until& until);

// Likewise, with the slot of `former` as it is: the snapshot is a temporary slot's, at a position of its own. Nothing,
// and why is logged, where the stream of these tables does not lead from there to here.
Result<std::optional<OpenStream>> resume_stream(const std::function<Result<Parameters>()>& connect,
                                                Connection& coordinator, const StreamWish& wish,
                                                const pipeline::SourceIdentity& source,
                                                const pipeline::FormerStream& former,
                                                const std::vector<CatalogTable>& tables, const Until& until);

// What of a source decides whether a stream can be gone on with.
struct ResumeFacts {
  SystemIdentity system;
  std::optional<SlotState> slot;
  std::optional<PublicationState> publication;
  PublicationPlan wanted;  // of the tables that are selected now
};
// Why the stream does not lead on: a sentence, or "". Pure.
std::string why_not_resume(const pipeline::FormerStream& former, const pipeline::SourceIdentity& source,
                           const ResumeFacts& now);

// Why a copy that can do without a slot makes none on this source: a sentence, or "". Pure.
std::string why_no_slot(const Server& source, bool may_replicate);

// Whether the stream carries what the snapshot sees: Fault::transient where a table has come or changed since the
// publication was made.
Result<void> check_streamed(const pipeline::StreamStart& start, const std::vector<CatalogTable>& tables);

// Drops slot and publication of a stream. Whoever holds the claim drops them in any case; without it, and so with
// `reached`, a slot that was confirmed beyond that is left, for it may be another engine's. Success means that they are
// not there; a slot that is left is an Error that names it.
Result<void> drop_stream(Connection& source, const pipeline::StreamObjects& stream, std::optional<model::Lsn> reached,
                         const Until& until);

}  // namespace tributary::postgres
