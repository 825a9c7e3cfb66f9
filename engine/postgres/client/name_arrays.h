#pragma once

#include <string>
#include <vector>

#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

std::vector<std::string> first_column(const Rows& rows);
// Schema and name, from the first two columns.
std::vector<model::Name> names_in(const Rows& rows);

// Names as two arrays of text, for unnest($1::text[], $2::text[]). Pure.
class NameArrays {
 public:
  NameArrays() = default;
  template <typename Names>
  explicit NameArrays(const Names& names) {
    for (const model::Name& name : names) add(name);
  }

  void add(const model::Name& name);
  // As literals; written anew at each call.
  std::string schemas() const;
  std::string names() const;

 private:
  std::vector<std::string> schemas_;
  std::vector<std::string> names_;
};

}  // namespace tributary::postgres
