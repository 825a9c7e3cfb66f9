#include "operator/replication/wal_limit.h"

#include <algorithm>

#include "engine/base/counted.h"
#include "operator/api/conditions.h"
#include "operator/replication/release.h"
#include "operator/replication/status.h"

namespace tributary::replication {
namespace {

namespace condition = v1alpha1::condition;
using v1alpha1::OnExceed;
using v1alpha1::Truth;

constexpr Seconds late_answer{60};

// The slots of one source keep the same log: it is not kept twice. Nothing where no engine has asked its source.
std::optional<std::uint64_t> retained_by(const Observed& seen) {
  if (!seen.voice || !seen.voice->progress) return std::nullopt;
  std::optional<std::uint64_t> most;
  for (const api::DatabaseProgress& database : seen.voice->progress->databases) {
    if (!database.stream || database.stream->slot.empty() || !database.stream->retained_bytes) continue;
    const std::uint64_t retained = *database.stream->retained_bytes;
    if (database.stream->state == api::StreamState::connecting && retained == 0) continue;  // of an older engine
    most = std::max(most.value_or(0), retained);
  }
  return most;
}

// What was measured may be old by now. An answer that is late by a moment is no news.
void doubt(const Observed& seen, v1alpha1::Status& status) {
  const v1alpha1::Condition* told = v1alpha1::find_condition(status, condition::wal_limit_exceeded);
  if (told == nullptr || told->status != Truth::no) return;
  const bool late = seen.voice && seen.voice->silent_since && seen.now - *seen.voice->silent_since < late_answer;
  if (late) return;
  v1alpha1::set_condition(status, condition::wal_limit_exceeded, Truth::unknown, "NotMeasured",
                          "no engine is able to ask the source how much of its log it keeps", seen.now);
}

}  // namespace

void judge_retained_wal(const Observed& seen, v1alpha1::Status& status) {
  const v1alpha1::Spec& spec = seen.object.spec;
  const std::uint64_t limit = spec.max_retained_wal;
  const bool is_past = released(status) && !gives_up_for_wal(seen.object, status);
  if (limit == 0 || is_past) return v1alpha1::remove_condition(status, condition::wal_limit_exceeded);
  const std::optional<std::uint64_t> retained = retained_by(seen);
  if (!retained) return doubt(seen, status);
  const std::string what = v1alpha1::streams(spec.mode) ? "stream" : "copy";
  const std::string may = ", of " + bytes_text(limit) + " that spec.source.maxRetainedWAL allows";
  const std::string keeps = "the source keeps " + bytes_text(rounded(*retained)) + " of its log for the " + what + may;
  if (*retained > limit) {
    v1alpha1::set_condition(status, condition::wal_limit_exceeded, Truth::yes, "WALLimitExceeded", keeps, seen.now);
  } else {
    v1alpha1::set_condition(
        status, condition::wal_limit_exceeded, Truth::no, "WithinLimit",
        "the source keeps no more of its log for the " + what + " than spec.source.maxRetainedWAL allows", seen.now);
  }
}

bool gives_up_for_wal(const v1alpha1::Replication& object, const v1alpha1::Status& status) {
  const v1alpha1::Run* run = find_run(status, object.spec.mode);
  const bool same = run == nullptr || run->request_id == object.spec.snapshot.request_id;
  return object.spec.on_exceed == OnExceed::release && same && v1alpha1::is_true(status, condition::wal_limit_exceeded);
}

void add_wal_warning(const v1alpha1::Status& status, std::string& message) {
  if (!v1alpha1::is_true(status, condition::wal_limit_exceeded)) return;
  const std::string& kept = v1alpha1::find_condition(status, condition::wal_limit_exceeded)->message;
  if (message.find(kept) == std::string::npos) message += "; " + kept;
}

}  // namespace tributary::replication
