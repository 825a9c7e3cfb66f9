#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/pipeline/schema.h"
#include "engine/postgres/catalog/target_traits.h"
#include "engine/postgres/schema/schema_facts.h"
#include "engine/postgres/schema/schema_read.h"
#include "engine/postgres/schema/toc.h"

// From the entries of a dump to the steps of a schema. Pure. What differs from what pg_restore would run:
// - tablespaces are left out and unknown table access methods replaced by heap (reported);
// - foreign keys come as foreign_keys.h says; keys of large tables are built as indexes first, beside others;
// - an extension keeps the source's version where the target has it;
// - owners and grants that name roles the target lacks, or that its role may not set, are left out or optional.
// The order after the data is pg_restore's: triggers, rules, policies and comments; grants; materialized views in the
// order of their creation; event triggers (src/bin/pg_dump/pg_backup_archiver.c, RestorePass).
namespace tributary::postgres {

pipeline::Schema schema_steps(const Toc& toc, const std::vector<bool>& kept, const SchemaFacts& facts,
                              const SelectsTable& selects, const TargetTraits& target,
                              std::vector<api::Finding>& findings);

}  // namespace tributary::postgres
