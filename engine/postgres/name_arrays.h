#pragma once

#include <string>
#include <vector>

#include "engine/model/name.h"

namespace tributary::postgres {

// Names as two arrays of text, for unnest($1::text[], $2::text[]). Pure.
class NameArrays {
 public:
  NameArrays() = default;
  explicit NameArrays(const std::vector<model::Name>& names) {
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
