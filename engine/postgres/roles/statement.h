#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

// One statement outside any table's life: about a role, a database, a large object. To be carried out in order.
struct Statement {
  std::string object;     // for people and logs: "role app", "setting work_mem of database shop"
  std::string sql;        // may hold a verifier of a password: never logged, never part of an error
  bool optional = false;  // a refusal is reported as a finding with `object` and the work goes on
};

// In the caller's transaction, which an error leaves broken. A finding of that code for each optional statement that
// failed with a SQLSTATE of which `may_be_left_out` is true.
Result<std::vector<api::Finding>> carry_out(Connection& connection, const std::vector<Statement>& statements,
                                            const std::string& code,
                                            const std::function<bool(std::string_view)>& may_be_left_out,
                                            const Until& until);

}  // namespace tributary::postgres
