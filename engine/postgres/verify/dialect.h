#pragma once

#include <set>
#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// In which words both servers are asked for hashes, so that they mean the same: values whose native hash is the same on
// both go as they are, all others as the text that a client gets to see.
namespace tributary::postgres::verify {

struct Dialect {
  bool by_record = false;             // both have hash_record_extended() (14)
  bool recodes = false;               // the databases have different encodings: text is hashed as UTF-8
  std::set<std::string> native = {};  // types, see ColumnTraits
};

// Hashes fixed values of each type on both servers: majors, byte orders and builds may differ.
Result<Dialect> agree(Connection& source, Connection& target, const Until& until);

}  // namespace tributary::postgres::verify
