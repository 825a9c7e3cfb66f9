#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/sync/claim.h"

// Foreign keys of tables that came after the copy to tables that were there before: a dump of the new ones alone leaves
// them out. Whoever copies or alters the table that is referred to has it for himself, so they may come late; the
// ledger has them until they are there, by the source's OIDs.
namespace tributary::postgres::sync {

using KeyIds = std::vector<std::string>;
// That these tables have.
Result<KeyIds> read_keys(Connection& source, const std::set<model::Name>& tables, const Until& until);

// In a transaction of its own: they are to be added.
Result<void> record_late_keys(Claimed& claimed, const KeyIds& keys, const Until& until);
// Adds those that are late. What the source has no more or the target refuses is forgotten. Rows that cannot be looked
// through within `patience` stay unvalidated, and the log says what to run.
Result<void> add_late_keys(SourceSide& source, Claimed& claimed, Milliseconds patience, const Until& until);

}  // namespace tributary::postgres::sync
