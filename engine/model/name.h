#pragma once

#include <compare>
#include <string>
#include <vector>

namespace tributary::model {

// A relation's name inside one database, exactly as the catalog spells it: never quoted, never folded.
struct Name {
  std::string schema;
  std::string name;
  auto operator<=>(const Name&) const = default;
};

// For people and for the ledger: "schema.name", with a part in double quotes where SQL would need them.
std::string display(const Name& name);
// One part of such a name, as it stands there.
std::string display_part(const std::string& part);
std::vector<std::string> displayed(const std::vector<Name>& names);

}  // namespace tributary::model
