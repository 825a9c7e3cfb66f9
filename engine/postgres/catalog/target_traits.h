#pragma once

#include <map>
#include <set>
#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// What a target can do, as far as it shapes the statements that are sent to it. Read after the roles were created,
// so that ownership and grants see them.
namespace tributary::postgres {

struct TargetTraits {
  int version = 0;  // e.g. 180001
  bool superuser = false;
  std::string encoding;                  // of the database that was asked: "UTF8"
  std::string user;                      // the connecting role
  std::set<std::string> roles;           // all that exist
  std::set<std::string> assumable;       // those that `user` may hand ownership to and go on working as
  std::set<std::string> access_methods;  // of tables
  std::map<std::string, std::set<std::string>> extensions;  // name -> versions that can be created
  bool lz4 = true;                                          // knows lz4 for TOAST

  int major() const { return version / 10000; }
};

Result<TargetTraits> read_target_traits(Connection& target, const Until& until);

}  // namespace tributary::postgres
