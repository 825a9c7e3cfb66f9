#pragma once

#include <cstdint>
#include <map>
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

// Who an object belonged to where it came from, and whose it is when the statements are carried out: the first one's
// grants become those of the second.
struct Owners {
  std::string former;
  std::string current;
};

// Statements that leave `object` ("DATABASE \"shop\"") with these grants and no others, its owner's own among them;
// those to a role that is not in `roles` are left out and counted for it in `left_out`.
std::vector<std::string> grant_statements(const std::string& object, const Owners& owners,
                                          const std::vector<Grant>& grants, const std::set<std::string>& roles,
                                          std::map<std::string, std::uint64_t>& left_out);

}  // namespace tributary::postgres
