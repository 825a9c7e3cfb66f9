#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/postgres/schema/schema_facts.h"
#include "engine/postgres/schema/schema_read.h"
#include "engine/postgres/schema/toc.h"

// Which entries of a dump belong to a selection of tables. Pure.
namespace tributary::postgres {

// For each entry of `toc` whether it is kept. Kept is all that does not need a table which is not selected: schemas,
// types, functions, sequences and extensions stay, and so do views, functions with a parsed body, triggers, rules,
// policies and foreign keys as long as every table they speak of is there; the others are left out and named in
// `findings`. A table that a selected one cannot be declared without (its inheritance parent, the row type of a
// column) is kept too, without its rows. A partition needs no table above it: selected alone it becomes a table of its
// own. Of a table that the target has already (`has`) the sequences are kept that its columns own, which may be new.
// Publications are always left out.
std::vector<bool> select_entries(const Toc& toc, const SchemaFacts& facts, const SelectsTable& selects,
                                 const SelectsTable& has, std::vector<api::Finding>& findings);

}  // namespace tributary::postgres
