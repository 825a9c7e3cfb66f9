#pragma once

#include <set>
#include <string>
#include <vector>

// Grants made anew from an access control list, for objects that no dump describes. Pure.
namespace tributary::postgres {

struct Grant {
  std::string grantee;  // "" for PUBLIC
  std::string privilege;
  bool grantable = false;
};

// Statements that leave `object` ("DATABASE \"shop\"") with these grants and no others, besides its owner's own; what
// speaks of roles that are not in `roles` is left out.
std::vector<std::string> grant_statements(const std::string& object, const std::vector<Grant>& grants,
                                          const std::set<std::string>& roles);

}  // namespace tributary::postgres
