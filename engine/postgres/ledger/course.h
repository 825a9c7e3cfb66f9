#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/postgres/ledger/ledger.h"

// What a run does with a target database, from the options and from what the ledger says of this replication: one
// answer for `validate`, for the plan and for the copy itself. Pure.
namespace tributary::postgres {

enum class Drop { nothing, tables, database };

// What goes before the copy. `whole`: every table of the source's database is selected.
Drop to_drop(const api::SnapshotOptions& options, bool whole, const std::optional<ReplicationRow>& former);

enum class Course {
  copy,
  done,     // a declared replication stays done until another request asks for it again; also what this run completed
  refused,  // a person who runs a snapshot again wants it again, and has to say what becomes of the first
};

// What Course::refused says of the target database. `whole` as above.
api::Finding already_complete(const std::string& database, const std::string& completed, bool whole);

// What is in the way of a copy that wants the target database for itself.
api::Finding not_empty(const std::string& database, const std::string& holds);

// `declared` is Spec.replication. `asked` is the epoch that this very run has asked to be complete, 0 for none.
Course course_of(const api::SnapshotOptions& options, const std::string& declared,
                 const std::optional<ReplicationRow>& former, std::int64_t asked = 0);

}  // namespace tributary::postgres
