#include "engine/postgres/roles/grants.h"

#include "engine/postgres/client/sql.h"

namespace tributary::postgres {

std::vector<std::string> grant_statements(const std::string& object, const Owners& owners,
                                          const std::vector<Grant>& grants, const std::set<std::string>& roles,
                                          std::map<std::string, std::uint64_t>& left_out) {
  std::vector<std::string> statements = {"REVOKE ALL ON " + object + " FROM PUBLIC, " +
                                         quote_identifier(owners.current)};
  for (const Grant& grant : grants) {
    const std::string& grantee = grant.grantee == owners.former ? owners.current : grant.grantee;
    if (!grantee.empty() && !roles.contains(grantee)) {
      ++left_out[grantee];
      continue;
    }
    statements.push_back("GRANT " + grant.privilege + " ON " + object + " TO " +
                         (grantee.empty() ? "PUBLIC" : quote_identifier(grantee)) +
                         (grant.grantable ? " WITH GRANT OPTION" : ""));
  }
  return statements;
}

}  // namespace tributary::postgres
