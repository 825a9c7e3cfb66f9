#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// Whether the target's sequences would hand out a number that the source's have handed out. Reads only.
namespace tributary::postgres::structure {

struct SequenceValue {
  std::int64_t last_value = 0;
  bool is_called = false;  // last_value was handed out; else it is the next one
  std::int64_t start = 1;
  std::int64_t increment = 1;
};

// In the direction in which the source counts. A target that is ahead or that has come to its end is not behind, nor is
// one of a source that has handed out nothing. Pure.
bool is_behind(const SequenceValue& source, const SequenceValue& target);

struct SequenceDifference {
  enum class Kind { behind, missing, source_denied, target_denied };
  model::Name name;
  Kind kind = Kind::behind;
  std::optional<std::int64_t> source;  // last_value; nothing where it could not be read
  std::optional<std::int64_t> target;  // nothing where it is missing, too
  bool target_is_called = false;       // has handed that number out
  bool source_is_called = false;
};

// Of the source's sequences that these tables own or take a default from or, with `whole`, of all. The source is read
// first. A sequence whose value the role may not read is told as denied. Expects sessions with search_path =
// pg_catalog. Fault::transient where one is dropped meanwhile.
Result<std::vector<SequenceDifference>> compare_sequences(Connection& source, Connection& target,
                                                          const std::vector<model::Name>& tables, bool whole,
                                                          const Until& until);

}  // namespace tributary::postgres::structure
