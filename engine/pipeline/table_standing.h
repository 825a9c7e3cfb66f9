#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/progress.h"

// What the ledger says of one database's tables beside those that are followed. Plain values.
namespace tributary::pipeline {

// What became so far of the tables of this database that Spec.recopy names.
struct RequestStanding {
  std::string request_id = {};
  std::uint64_t tables = 0;
  std::uint64_t waiting = 0;              // to be copied again, or at it
  std::uint64_t stopped = 0;              // that could not be copied again
  std::vector<std::string> reasons = {};  // of those, "schema.table: reason"; at most 20
  std::vector<std::string> unknown = {};  // entries that name no table of this database
};

struct TableStanding {
  api::TablesAside aside = {};                  // but recopy_seconds, which one look does not tell
  std::optional<RequestStanding> request = {};  // nothing where none is asked for
};

}  // namespace tributary::pipeline
