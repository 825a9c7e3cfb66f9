#include "engine/postgres/ledger/course.h"

namespace tributary::postgres {

Drop to_drop(const api::SnapshotOptions& options, bool whole, const std::optional<ReplicationRow>& former) {
  if (options.on_target_not_empty != api::OnTargetNotEmpty::drop) return Drop::nothing;
  if (!whole) return Drop::tables;
  const bool keeps_tables = options.resume_per_table && former && !former->complete;
  return keeps_tables ? Drop::nothing : Drop::database;
}

Course course_of(const api::SnapshotOptions& options, const std::string& declared,
                 const std::optional<ReplicationRow>& former, std::int64_t asked) {
  if (!former || !former->complete) return Course::copy;
  if (asked != 0 && former->epoch == asked) return Course::done;
  if (!declared.empty()) return former->request_id == options.request_id ? Course::done : Course::copy;
  return options.on_target_not_empty == api::OnTargetNotEmpty::drop ? Course::copy : Course::refused;
}

api::Finding already_complete(const std::string& database, const std::string& completed, bool whole) {
  return {api::Severity::error, "AlreadyComplete", "target database " + database,
          "it holds this snapshot already, completed at " + completed,
          std::string("use --drop-existing to drop ") +
              (whole ? "it and copy again" : "these tables and copy them again") + ", or name another target database"};
}

api::Finding not_empty(const std::string& database, const std::string& holds) {
  return {api::Severity::error, "TargetNotEmpty", "target database " + database, "it is not empty: it holds " + holds,
          "use an empty database, --drop-existing to drop what is there, or --append to add to it; a copy that is "
          "given up goes with its row in _tributary.replication"};
}

}  // namespace tributary::postgres
