#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/source.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/slot.h"

// How the stream of one database begins: publication first, then the slot, whose snapshot the copy reads under. Names
// derive from the replication, so what an earlier attempt left is known and replaced.
namespace tributary::postgres {

struct StreamWish {
  std::string replication;  // Spec.replication; "" to derive it from the source's identity
  std::string selection;    // of tables, as a digest; "" means all of the source's database
  std::string publication;  // to use one that somebody else has made; "": our own
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

// Whether the stream carries what the snapshot sees: Fault::transient where a table has come or changed since the
// publication was made.
Result<void> check_streamed(const pipeline::StreamStart& start, const std::vector<CatalogTable>& tables);

// The slot, if it is the one that was made at `position` and nobody has used it since: success where it is not.
Result<void> drop_unused_slot(Connection& source, const std::string& slot, model::Lsn position, const Until& until);

}  // namespace tributary::postgres
