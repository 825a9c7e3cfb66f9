#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/progress.h"
#include "engine/model/name.h"

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

// A table that somebody has asked for, whatever it is called by now.
struct AskedTable {
  model::Name name;
  std::uint32_t id = 0;  // that the source knows it by; 0 where nobody knows
  bool operator==(const AskedTable&) const = default;
};

// How far a request by hand has come, as both ends say it.
struct RecopyStanding {
  RequestStanding request = {};  // without an id
  bool is_followed = false;      // an engine streams now
  std::string problem = {};      // why the stream cannot go on, or ""
  std::string hint = {};
  std::string wait = {};  // what keeps a copy from beginning, or ""
};

struct TableStanding {
  api::TablesAside aside = {};                  // but recopy_seconds, which one look does not tell
  std::optional<RequestStanding> request = {};  // nothing where none is asked for
};

}  // namespace tributary::pipeline
