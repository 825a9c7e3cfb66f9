#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/outcome.h"
#include "engine/api/verification.h"
#include "engine/base/result.h"

// What happened: the one object that `--output json` ends with, and, shortened, the termination message of a Job.
namespace tributary::api {

enum class Severity { ok, warning, error };

// One result of `validate`, or one thing that a snapshot has to say (an orphaned foreign key, a skipped role).
struct Finding {
  Severity severity = Severity::warning;
  std::string code;     // stable, CamelCase, e.g. "SourceUnreachable"; docs/findings.md lists them all
  std::string subject;  // what it is about: "source", "target", "database app", "table app.public.orders"
  std::string message;  // lowercase, no full stop
  std::string hint;     // what to do; may be empty
};

enum class Consistency { snapshot, per_table };

struct DatabaseReport {
  std::string name;
  std::string target;  // name of the database on the target
  std::uint64_t tables = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::string position;  // source position of the snapshot, "" where there is none
  // What `validate` expects; 0 where it is not known:
  std::uint64_t database_bytes = 0;     // of the whole database on the source
  std::uint64_t estimated_seconds = 0;  // that a snapshot takes, a rough guess
};

struct Totals {
  std::uint64_t databases = 0;
  std::uint64_t tables = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  bool operator==(const Totals&) const = default;
};

struct Report {
  int version = 1;
  std::string verb;  // validate, init, verify, ...
  std::string replication;
  ExitCode exit_code = ExitCode::done;
  std::string reason;   // stable CamelCase word for a condition: "SnapshotComplete", "TargetNotEmpty"
  std::string message;  // one line for a person
  std::string hint;
  Consistency consistency = Consistency::snapshot;
  Checks checks = Checks::unknown;
  std::string started;  // RFC 3339
  std::string finished;
  std::vector<DatabaseReport> databases;
  std::vector<Finding> findings;
  std::optional<Verification> verification;  // of `verify`
  std::optional<Totals> totals;              // given where `databases` was shortened or the report was read
};

// Over all databases of the snapshot, also those that a shortened report leaves out.
Totals totals_of(const Report& report);

const char* word_of(Severity severity);

std::string to_json(const Report& report);
Result<Report> report_from_json(std::string_view text);

// JSON of at most 3584 bytes, so that it fits the kubelet's termination message: long texts are cut, the severest
// findings and the largest databases stand first, and what has no room is left out: mild findings from the last, then
// databases from the smallest, then the less telling parts of a comparison, then errors from the last. How many is said
// in the message. The totals stay those of all databases. No value of a row is ever in it.
std::string termination_message(Report report);

}  // namespace tributary::api
