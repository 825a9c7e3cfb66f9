#include "engine/postgres/client/name_arrays.h"

#include "engine/postgres/client/array_literal.h"

namespace tributary::postgres {

std::vector<std::string> first_column(const Rows& rows) {
  std::vector<std::string> texts;
  for (int row = 0; row < rows.size(); ++row) texts.push_back(rows.str(row, 0));
  return texts;
}

std::vector<model::Name> names_in(const Rows& rows) {
  std::vector<model::Name> names;
  for (int row = 0; row < rows.size(); ++row) names.push_back({rows.str(row, 0), rows.str(row, 1)});
  return names;
}

void NameArrays::add(const model::Name& name) {
  schemas_.push_back(name.schema);
  names_.push_back(name.name);
}

std::string NameArrays::schemas() const {
  return array_literal(schemas_);
}

std::string NameArrays::names() const {
  return array_literal(names_);
}

}  // namespace tributary::postgres
