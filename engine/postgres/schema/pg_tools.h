#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"

// The program that reads a schema. It must be at least as new as the source server; the archive that it writes we read
// ourselves (toc.h), so pg_restore is not needed.
namespace tributary::postgres {

struct PgTools {
  std::string pg_dump;  // absolute path
  int major = 0;
  std::string version;  // e.g. "18.1"
};

// Every installation that has it: the folders of PATH in order, then /usr/lib/postgresql/*/bin, newest
// first. Debian's wrappers, which choose another version by themselves, are passed over.
Result<std::vector<PgTools>> find_pg_tools(const Until& until);

// The first of `found` that is new enough for a server of `major`. Fault::invalid when there is none, naming the
// newest that was found.
Result<PgTools> choose_pg_tools(const std::vector<PgTools>& found, int major);

// The version in what `pg_dump --version` prints ("pg_dump (PostgreSQL) 18.1 (Debian ...)" is "18.1"), "" when there
// is none. Pre-releases ("19beta1") keep their word.
std::string parse_tool_version(std::string_view printed);

}  // namespace tributary::postgres
