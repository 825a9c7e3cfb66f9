#include "engine/postgres/grants.h"

#include "engine/postgres/sql.h"

namespace tributary::postgres {

std::vector<std::string> grant_statements(const std::string& object, const std::vector<Grant>& grants,
                                          const std::set<std::string>& roles) {
  std::vector<std::string> statements = {"REVOKE ALL ON " + object + " FROM PUBLIC"};
  for (const Grant& grant : grants) {
    if (!grant.grantee.empty() && !roles.contains(grant.grantee)) continue;
    statements.push_back("GRANT " + grant.privilege + " ON " + object + " TO " +
                         (grant.grantee.empty() ? "PUBLIC" : quote_identifier(grant.grantee)) +
                         (grant.grantable ? " WITH GRANT OPTION" : ""));
  }
  return statements;
}

}  // namespace tributary::postgres
