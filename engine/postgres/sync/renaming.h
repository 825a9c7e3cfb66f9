#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/name.h"

namespace tributary::postgres::sync {

// A table that is to have another name.
struct Renaming {
  std::uint32_t id = 0;  // of its own: what it is called in between has it in its name
  model::Name from;
  model::Name to;
};

// Positions in `all`, in groups: what wants a name that another one has moves together with that one.
std::vector<std::vector<std::size_t>> grouped(const std::vector<Renaming>& all);

// The statements for one group, in order. Where there are several, all go by a name that nobody has, and where one of
// them changes its schema, by a schema that nobody has: the names of its indexes go with it.
std::vector<std::string> renaming_statements(const std::vector<Renaming>& group);

// A name that nobody has, in the schema of the old one.
model::Name name_between(const Renaming& renaming);

}  // namespace tributary::postgres::sync
