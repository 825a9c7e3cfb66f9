#include "operator/api/conditions.h"

#include <algorithm>

#include "engine/base/text.h"

namespace tributary::v1alpha1 {
namespace {

Truth ready_of(Standing standing) {
  switch (standing) {
    case Standing::met:
      return Truth::yes;
    case Standing::unknown:
      return Truth::unknown;
    case Standing::progressing:
    case Standing::suspended:
    case Standing::stalled:
      return Truth::no;
  }
  std::abort();
}

}  // namespace

const Condition* find_condition(const Status& status, std::string_view type) {
  const auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                                  [&](const Condition& condition) { return condition.type == type; });
  return found == status.conditions.end() ? nullptr : &*found;
}

bool is_true(const Status& status, std::string_view type) {
  const Condition* found = find_condition(status, type);
  return found != nullptr && found->status == Truth::yes;
}

void set_condition(Status& status, const std::string& type, Truth truth, const std::string& reason,
                   const std::string& message, WallTime now) {
  auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                            [&](const Condition& condition) { return condition.type == type; });
  if (found == status.conditions.end()) {
    found = status.conditions.insert(found, Condition{.type = type, .status = truth});
    found->last_transition_time = rfc3339(now);
  }
  if (found->status != truth) found->last_transition_time = rfc3339(now);
  found->status = truth;
  found->reason = reason;
  found->message = first_bytes(one_line(message), longest_message, "...");
  found->observed_generation = status.observed_generation;
}

void remove_condition(Status& status, std::string_view type) {
  std::erase_if(status.conditions, [&](const Condition& condition) { return condition.type == type; });
}

void conclude(Status& status, const Verdict& verdict, WallTime now) {
  const Standing standing = verdict.standing;
  status.phase = verdict.phase;
  set_condition(status, condition::ready, ready_of(standing), verdict.reason, verdict.message, now);
  if (standing == Standing::progressing || standing == Standing::unknown) {
    set_condition(status, condition::reconciling, Truth::yes, verdict.reason, verdict.message, now);
  } else {
    remove_condition(status, condition::reconciling);
  }
  if (standing == Standing::stalled) {
    set_condition(status, condition::stalled, Truth::yes, verdict.reason, verdict.message, now);
  } else {
    remove_condition(status, condition::stalled);
  }
}

}  // namespace tributary::v1alpha1
