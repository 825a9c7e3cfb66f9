#include "operator/replication/release_status.h"

#include "operator/replication/release.h"
#include "operator/replication/stream_status.h"

namespace tributary::replication {
namespace {

namespace condition = v1alpha1::condition;
using v1alpha1::Condition;
using v1alpha1::RunResult;
using v1alpha1::Status;
using v1alpha1::Truth;
using v1alpha1::Verdict;

constexpr const char* locked_out = "SecretNotFound";

bool has_failed(const Status& status) {
  return status.release && status.release->outages > 0 && status.release->result != RunResult::succeeded;
}

// A Job that only drops what was copied has nothing to give back.
bool is_about_source(const Observed& seen, const Status& status) {
  return !status.release || !status.release->drops_data || may_hold_source(seen, status);
}

std::string by_hand(const Observed& seen, const Status& status) {
  return "; until then the source keeps its log (hint: by hand, on the source: " +
         statements_by_hand(status, seen.object.spec) + ")";
}

}  // namespace

std::string held_by(v1alpha1::Mode mode) {
  return std::string("what the ") + (v1alpha1::streams(mode) ? "stream" : "copy") + " holds on the source";
}

std::string errand_of(const Observed& seen, const Status& status) {
  const std::string source = is_about_source(seen, status) ? "gives back " + held_by(seen.object.spec.mode) : "";
  if (!status.release || !status.release->drops_data) return source;
  return source + (source.empty() ? "" : " and ") + "drops from the target what was copied";
}

std::string undone_of(const Observed& seen, const Status& status) {
  if (is_about_source(seen, status)) return held_by(seen.object.spec.mode) + " is not given back yet";
  return "what was copied is not dropped from the target yet";
}

void conclude_release(const Observed& seen, Status& status, const Verdict& verdict) {
  if (v1alpha1::streams(seen.object.spec.mode)) {
    conclude_stream(status, verdict, seen.now);
  } else {
    v1alpha1::conclude(status, verdict, seen.now);
  }
  if (!is_about_source(seen, status) || released(status)) return;
  const std::string hint = has_failed(status) ? by_hand(seen, status) : "";
  v1alpha1::set_condition(status, condition::source_released, Truth::no, verdict.reason, verdict.message + hint,
                          seen.now);
}

void tell_locked_out(const Observed& seen, Status& status) {
  v1alpha1::set_condition(status, condition::source_released, Truth::no, locked_out,
                          "without secret " + seen.object.spec.source.secret + " nobody can give back " +
                              held_by(seen.object.spec.mode) + by_hand(seen, status),
                          seen.now);
}

void tell_done(const Observed& seen, Status& status) {
  const bool was_about_source = v1alpha1::find_condition(status, condition::source_released) != nullptr;
  if (was_about_source || !status.release->drops_data) tell_given_back(status, seen.now);
}

void tell_given_back(Status& status, WallTime now) {
  if (status.snapshot) {
    status.snapshot->may_hold_slot = false;
    status.snapshot->may_hold_data = true;  // what held a slot had got past its checks
    status.snapshot->slots.clear();
    status.snapshot->slot_unheld_since.clear();
  }
  v1alpha1::set_condition(status, condition::source_released, Truth::yes, "Released",
                          "the source holds nothing for this replication any more", now);
}

bool release_fails(const Status& status) {
  const Condition* told = v1alpha1::find_condition(status, condition::source_released);
  return told != nullptr && told->status == Truth::no && (told->reason == locked_out || has_failed(status));
}

}  // namespace tributary::replication
