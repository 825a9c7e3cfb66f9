#pragma once

#include <string>
#include <vector>

#include "engine/pipeline/schema.h"
#include "engine/postgres/catalog/target_traits.h"
#include "engine/postgres/schema/schema_facts.h"

// How foreign keys arrive on a full database: added as NOT VALID, which looks at no row, then validated. Pure.
namespace tributary::postgres {

// The steps of one foreign key that stands for itself; `after` of each speaks of positions inside the answer. On a
// partitioned table the leaves get their keys first, under their own names and each validated by itself, and the
// tables above them then adopt these without a look at the rows (tryAttachPartitionForeignKey in
// src/backend/commands/tablecmds.c); below 18 there is no other way, for a partitioned table takes no NOT VALID key.
std::vector<pipeline::SchemaStep> foreign_key_steps(const ForeignKey& key, const SchemaFacts& facts,
                                                    const TargetTraits& target);

// A query of one row and one column: how many rows of the child lack a parent. "" where only the server can tell.
std::string orphans_query(const ForeignKey& key, const SchemaFacts& facts);

}  // namespace tributary::postgres
