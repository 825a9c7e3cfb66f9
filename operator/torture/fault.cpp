#include "operator/torture/fault.h"

#include <algorithm>
#include <cstdlib>

namespace tributary::torture {

const std::array<Entry, 46> catalogue{{
    {FaultKind::operator_killed, "operator_killed", "the operator is killed when one of its writes has been executed"},
    {FaultKind::answer_lost, "answer_lost", "writes are executed and their connections break before the answer"},
    {FaultKind::request_doubled, "request_doubled",
     "creations arrive twice, and the second answer is the one that is heard", false, true},
    {FaultKind::conflict, "conflict", "each write is refused once with 409 Conflict"},
    {FaultKind::already_exists, "already_exists", "creations are executed and answered 409 AlreadyExists", false, true},
    {FaultKind::not_found, "not_found", "each patch and deletion but of ConfigMaps is refused once with 404", true},
    {FaultKind::invalid, "invalid", "status and creations are refused with 422"},
    {FaultKind::forbidden, "forbidden", "one verb of one kind is refused with 403"},
    {FaultKind::unauthorized, "unauthorized", "the token is refused with 401 until its file has another"},
    {FaultKind::throttled, "throttled", "429 with and without Retry-After"},
    {FaultKind::server_errors, "server_errors", "bursts of 500, 503 and 504, some when the write has been executed"},
    {FaultKind::slow, "slow", "answers come late, some when the client has given up waiting"},
    {FaultKind::half_answer, "half_answer", "connections break in the middle of answers"},
    {FaultKind::webhook, "webhook", "writes of one kind are refused with 500, because somebody else's webhook fails"},
    {FaultKind::half_open, "half_open", "watches stay open and send nothing any more"},
    {FaultKind::reset, "reset", "watches are reset after any byte"},
    {FaultKind::split, "split", "watches come in chunks of any size, with blank lines and an object of 1 MiB"},
    {FaultKind::gone_at_open, "gone_at_open", "the history is compacted while watches are away: 410 when they open"},
    {FaultKind::gone_in_stream, "gone_in_stream", "watches say 410 and end"},
    {FaultKind::gone_in_list, "gone_in_list", "continue tokens of lists have expired"},
    {FaultKind::version_too_large, "version_too_large",
     "lists and watches are refused with 504 ResourceVersionTooLarge"},
    {FaultKind::no_bookmarks, "no_bookmarks", "watches have no bookmarks"},
    {FaultKind::only_bookmarks, "only_bookmarks", "watches have nothing but bookmarks, and many of them"},
    {FaultKind::unobserved, "unobserved", "watches are away while much happens, and their history is compacted"},
    {FaultKind::stale_list, "stale_list", "an operator that starts gets lists of a state before the latest changes"},
    {FaultKind::late_watch, "late_watch", "the events of one kind, or of all, come late"},
    {FaultKind::no_sync, "no_sync",
     "the first list of one kind does not come, and the operator starts again and again"},
    {FaultKind::event_flood, "event_flood", "events that mean nothing by the thousand"},
    {FaultKind::crd_gone, "crd_gone", "the kind Replication is not served for a while"},
    {FaultKind::crd_older, "crd_older", "the CRD is older than the operator: parts of the status are pruned", true},
    {FaultKind::recreated, "recreated", "the Replication is deleted and another of its name is created"},
    {FaultKind::child_deleted, "child_deleted", "somebody deletes its Job, Deployment, ConfigMap or pod", true},
    {FaultKind::name_taken, "name_taken", "somebody else's Job has the name of its own", false, true},
    {FaultKind::child_stuck, "child_stuck",
     "somebody else's finalizer holds its Jobs and Deployments, beyond spec.deletion.timeout at the end", true},
    {FaultKind::secret_replaced, "secret_replaced", "a Secret is away, comes back as another one, and is rotated",
     true},
    {FaultKind::namespace_ends, "namespace_ends",
     "its namespace is deleted: pods go first, nothing can be created, and the operator's Role may go too", true},
    {FaultKind::quota, "quota", "no pods are allowed, or no Jobs", true, true},
    {FaultKind::pod_fails, "pod_fails", "pods are evicted, out of memory, crash, find no image or no node", true},
    {FaultKind::job_expires, "job_expires", "Jobs that have ended are removed after a moment", true},
    {FaultKind::engine_mute, "engine_mute", "engines do not answer, or answer for somebody else", true},
    {FaultKind::operator_stopped, "operator_stopped", "the operator is ended in an orderly way and started again"},
    {FaultKind::two_leaders, "two_leaders",
     "of two operators the one that leads stands still in the middle of a change until the other has taken over"},
    {FaultKind::lease_refused, "lease_refused", "the lease of two operators cannot be written for a while"},
    {FaultKind::clock_steps, "clock_steps", "the operator's clock is an hour ahead or behind", true},
    {FaultKind::ca_rotated, "ca_rotated",
     "the API server shows a certificate of another CA before the operator's file has that"},
    {FaultKind::none, "none", "nothing"},
}};

const Entry& entry_of(FaultKind fault) {
  return *std::find_if(catalogue.begin(), catalogue.end(), [&](const Entry& entry) { return entry.fault == fault; });
}

bool can_come(FaultKind fault, Moment moment) {
  return moment != Moment::steady || !entry_of(fault).of_creations;
}

std::string_view name_of(Moment moment) {
  switch (moment) {
    case Moment::create:
      return "create";
    case Moment::steady:
      return "steady";
    case Moment::update:
      return "update";
    case Moment::remove:
      return "delete";
  }
  std::abort();
}

}  // namespace tributary::torture
