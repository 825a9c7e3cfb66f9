#pragma once

#include <array>
#include <string_view>

// What may go wrong around an operator, one by one: the catalogue of the tests.
namespace tributary::torture {

enum class FaultKind {
  none,
  // of requests
  operator_killed,
  answer_lost,
  request_doubled,
  conflict,
  already_exists,
  not_found,
  invalid,
  forbidden,
  unauthorized,
  throttled,
  server_errors,
  slow,
  half_answer,
  webhook,
  // of watches and lists
  half_open,
  reset,
  split,
  gone_at_open,
  gone_in_stream,
  gone_in_list,
  version_too_large,
  no_bookmarks,
  only_bookmarks,
  unobserved,
  stale_list,
  late_watch,
  no_sync,
  event_flood,
  // of what the cluster holds
  crd_gone,
  crd_older,
  recreated,
  child_deleted,
  name_taken,
  child_stuck,
  secret_replaced,
  namespace_ends,
  // of engines
  quota,
  pod_fails,
  job_expires,
  engine_mute,
  // of the operator's process
  operator_stopped,
  two_leaders,
  lease_refused,
  clock_steps,
  ca_rotated,
};

struct Entry {
  FaultKind fault;
  std::string_view name;
  std::string_view what;  // is done
  // The end is that of a run without faults but for the Jobs themselves, their numbers and what counts them.
  bool leaves_jobs_out = false;
  bool of_creations = false;  // it cannot come at rest, where nothing is created
};

// All of them in order, `none` last.
extern const std::array<Entry, 46> catalogue;
const Entry& entry_of(FaultKind fault);

// The moment of a Replication's life that a fault comes in.
enum class Moment { create, steady, update, remove };
inline constexpr std::array<Moment, 4> moments{Moment::create, Moment::steady, Moment::update, Moment::remove};
// Where no plan has anything that it could meet, it cannot.
bool can_come(FaultKind fault, Moment moment);
std::string_view name_of(Moment moment);

}  // namespace tributary::torture
