#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/model/name.h"
#include "engine/postgres/catalog/catalog.h"

namespace tributary::postgres::verify {

// What is compared as one table: one that holds rows, or a partitioned one with all that lies below it.
struct Subject {
  model::Name name;
  std::vector<model::Name> tables;  // of the source, that hold its rows
  std::string not_comparable = {};  // a sentence, where it is not
};

using Selects = std::function<bool(const model::Name&, const std::vector<model::Name>& above)>;

// A partitioned table is compared as a whole where all of it is selected and the target has it: the target may divide
// it in its own way, or not at all. Pure. `on_target` holds the names of the target's tables, partitioned ones too.
std::vector<Subject> subjects_of(const std::vector<CatalogTable>& tables, const Selects& selects,
                                 const std::set<model::Name>& on_target);

// All that may be one, to be looked for on the target. Pure.
std::vector<model::Name> names_of(const std::vector<CatalogTable>& tables);

}  // namespace tributary::postgres::verify
