#include "engine/postgres/sync/attempt.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tributary::postgres::sync {
namespace {

// Duplicate and undefined columns and tables: somebody has carried the change out before.
constexpr std::array<std::string_view, 4> done_before{"42701", "42703", "42P07", "42P01"};
// Undefined types and the like, functions, and schemas: the source has them, or had them then.
constexpr std::array<std::string_view, 3> not_there{"42704", "42883", "3F000"};

Fault fault_of_refusal(const std::string& sqlstate) {
  const auto is_in = [&](const auto& states) {
    return std::find(states.begin(), states.end(), sqlstate) != states.end();
  };
  if (is_in(done_before)) return Fault::conflict;
  // Data exceptions, and violations of constraints.
  if (sqlstate.starts_with("22") || sqlstate.starts_with("23")) return Fault::differs;
  return is_in(not_there) ? Fault::missing : Fault::invalid;
}

}  // namespace

Result<void> attempt(Connection& target, const std::string& statement, const Until& until) {
  TRY(target.execute("SAVEPOINT tributary_change", until));
  Result<void> done = target.execute(statement, until);
  if (done || !is_refusal(target.sqlstate())) return done;
  const std::string sqlstate = target.sqlstate();
  TRY(target.execute("ROLLBACK TO SAVEPOINT tributary_change", until));
  return Error{fault_of_refusal(sqlstate), done.error().what, done.error().hint};
}

bool is_refused(const Result<void>& done) {
  if (done) return false;
  const Fault fault = done.error().fault;
  return fault == Fault::invalid || fault == Fault::conflict || fault == Fault::missing || fault == Fault::differs;
}

}  // namespace tributary::postgres::sync
