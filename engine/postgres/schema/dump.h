#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/schema/toc.h"

// pg_dump as a describer of schemas: nothing of it touches a disk, and the password stands in no argument, no
// environment and no file with a name.
namespace tributary::postgres {

struct DumpRequest {
  std::string pg_dump;  // absolute path
  Parameters source;
  std::string snapshot;             // id of an exported snapshot; "" for a view of its own
  std::string encoding;             // of the statements: "UTF8", or "SQL_ASCII" for a database without an encoding
  bool compression_methods = true;  // of columns (SET COMPRESSION)
  Milliseconds lock_timeout{30'000};
};

// Fault::invalid where the password cannot be written into a password file; pg_dump's own words in the Error
// otherwise, its fault transient where it could not connect or lost its connection, the session that held the snapshot
// has ended, an object was dropped or defined anew meanwhile or another session kept a table locked for too long: then
// that one is named.
Result<Toc> dump_schema(const DumpRequest& request, const Until& until);

// "host='db' port='5432' ...": the parameters without any secret, as one argument. Pure.
std::string conninfo_without_secrets(const Parameters& parameters);
// The lines of a password file, or "" without a password. Pure.
Result<std::string> password_file(const Parameters& parameters);

}  // namespace tributary::postgres
