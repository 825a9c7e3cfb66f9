#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// The values of enum types. A type gets further ones, and other names for those it has, without a word in the log.
namespace tributary::postgres::sync {

struct EnumType {
  model::Name name;
  std::vector<std::string> labels;    // in their order
  std::vector<std::uint32_t> tables;  // OIDs of those whose columns have them, in arrays, domains and the like too
  bool operator==(const EnumType&) const = default;
};

// Of all that tables of the users have, by name. Those of extensions are left to them. The connection as in catalog.h.
Result<std::vector<EnumType>> read_enums(Connection& source, const Until& until);

// By the type's name; nothing of one that the target does not have.
using Labels = std::map<model::Name, std::vector<std::string>>;
Result<Labels> read_labels(Connection& target, const std::vector<EnumType>& types, const Until& until);

struct MissingLabels {
  std::vector<std::string> statements;  // for the target, in order; none where it has all
  // The target has others where these are missing: rows may have values under their former names.
  bool may_be_renamed = false;
};
// Pure.
MissingLabels missing_labels(const EnumType& source, const std::vector<std::string>& target);

}  // namespace tributary::postgres::sync
