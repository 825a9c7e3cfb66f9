#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/enum_values.h"

namespace tributary::postgres::sync {

struct NewValues {
  bool types = false;   // some of the target's have other values now
  bool tables = false;  // the ledger's list of tables has changed
};

// Gives the enum types of the target the values that the source's have by now, where one of these tables of the source
// uses them. Those of the ledger whose rows may have values under former names are to be copied again. By
// api::SchemaChanges::stop, and where the target refuses it, the tables that use the type stop with the statements.
Result<NewValues> bring_values(Claimed& claimed, const std::vector<EnumType>& types,
                               const std::set<std::uint32_t>& of_tables, api::SchemaChanges policy, const Until& until);

}  // namespace tributary::postgres::sync
