#include "operator/api/validate.h"

#include "operator/api/names.h"
#include "operator/api/schedule.h"

namespace tributary::v1alpha1 {
namespace {

Error refuse(std::string what, std::string hint) {
  return {Fault::invalid, std::move(what), std::move(hint)};
}

bool same_place(const Endpoint& a, const Endpoint& b) {
  return a.secret == b.secret && a.host == b.host && a.port == b.port && a.database == b.database;
}

bool reserved(const std::string& key) {
  return key.starts_with("tributary.dev/") || key.starts_with("batch.kubernetes.io/") ||
         key == "app.kubernetes.io/managed-by" || key == "job-name" || key == "controller-uid";
}

}  // namespace

std::optional<Error> flaw_of(const Replication& replication) {
  const Spec& spec = replication.spec;
  if (replication.flaw) return replication.flaw;
  if (replication.name.size() > longest_name) {
    return refuse("the name is longer than " + std::to_string(longest_name) + " characters",
                  "create the object anew under a shorter name");
  }
  if (same_place(spec.source, spec.target)) {
    return refuse("spec.source and spec.target are the same place", "name another secret, host or database in one");
  }
  if (!spec.databases.include.empty() && !spec.databases.exclude.empty()) {
    return refuse("spec.databases has both include and exclude", "keep one of the two");
  }
  if (!spec.tables.include.empty() && !spec.tables.exclude.empty()) {
    return refuse("spec.tables has both include and exclude", "keep one of the two");
  }
  if (streams(spec.mode) && spec.snapshot.resume_per_table) {
    return refuse("spec.snapshot.resumePerTable is for a snapshot alone: a stream needs all tables as of one moment",
                  "remove it; a copy for a stream keeps its finished tables by itself");
  }
  if (!streams(spec.mode) && !spec.publication.empty()) {
    return refuse("spec.source.publication is for a stream, which spec.mode does not ask for", "remove it");
  }
  if (!uses_slots(spec.mode) && spec.max_retained_wal > 0) {
    return refuse("spec.source.maxRetainedWAL is for a copy or a stream, which spec.mode does not ask for",
                  "remove it");
  }
  if (spec.recopy.request_id.empty() != spec.recopy.tables.empty()) {
    return refuse("spec.recopy takes requestID and tables together", "give both, or neither");
  }
  if (!streams(spec.mode) && !spec.recopy.request_id.empty()) {
    return refuse("spec.recopy is for a stream, which spec.mode does not ask for",
                  "remove it; spec.snapshot.requestID copies everything again");
  }
  if (!spec.verify.schedule.empty() && !parse_schedule(spec.verify.schedule)) {
    return refuse("spec.verify.schedule is no schedule that ever comes: " + spec.verify.schedule,
                  "write minute, hour, day of month, month and day of week in UTC, such as \"30 2 * * *\", or @daily");
  }
  if (spec.target_data == TargetData::remove && spec.source_objects == SourceObjects::retain) {
    return refuse(
        "spec.deletion has targetData Delete and sourceObjects Retain: a slot is of no use without the rows "
        "that were copied at its position",
        "let both be deleted, or retain both");
  }
  for (const auto& [key, value] : spec.pod.labels) {
    if (reserved(key)) return refuse("spec.template.labels sets " + key + ", which is the operator's", "remove it");
  }
  for (const auto& [key, value] : spec.pod.annotations) {
    if (reserved(key)) {
      return refuse("spec.template.annotations sets " + key + ", which is the operator's", "remove it");
    }
  }
  return std::nullopt;
}

}  // namespace tributary::v1alpha1
