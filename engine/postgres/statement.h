#pragma once

#include <string>

namespace tributary::postgres {

// One statement outside any table's life: about a role, a database, a large object. To be carried out in order, each
// as a transaction of its own (CREATE DATABASE allows no other).
struct Statement {
  std::string object;     // for people and logs: "role app", "setting work_mem of database shop"
  std::string sql;        // may hold a verifier of a password: never logged, never part of an error
  bool optional = false;  // a failure is reported as a finding with `object` and the work goes on
};

}  // namespace tributary::postgres
