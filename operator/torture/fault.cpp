#include "operator/torture/fault.h"

#include <algorithm>
#include <cstdlib>

namespace tributary::torture {

const std::array<Entry, 42> catalogue{{
    {Fault::operator_killed, "operator_killed", "the operator is killed when one of its writes has been executed"},
    {Fault::answer_lost, "answer_lost", "writes are executed and their connections break before the answer"},
    {Fault::request_doubled, "request_doubled",
     "creations arrive twice, and the second answer is the one that is heard"},
    {Fault::conflict, "conflict", "each write is refused once with 409 Conflict"},
    {Fault::already_exists, "already_exists", "creations are executed and answered 409 AlreadyExists"},
    {Fault::not_found, "not_found", "each patch and deletion but of ConfigMaps is refused once with 404", true},
    {Fault::invalid, "invalid", "status and creations are refused with 422"},
    {Fault::forbidden, "forbidden", "one verb of one kind is refused with 403"},
    {Fault::unauthorized, "unauthorized", "the token is refused with 401 until its file has another"},
    {Fault::throttled, "throttled", "429 with and without Retry-After"},
    {Fault::server_errors, "server_errors", "bursts of 500, 503 and 504, some when the write has been executed"},
    {Fault::slow, "slow", "answers come 5 to 60 seconds late"},
    {Fault::half_answer, "half_answer", "connections break in the middle of answers"},
    {Fault::webhook, "webhook", "writes of one kind are refused with 500, because somebody else's webhook fails"},
    {Fault::half_open, "half_open", "watches stay open and send nothing any more"},
    {Fault::reset, "reset", "watches are reset after any byte"},
    {Fault::split, "split", "watches come in chunks of any size, with blank lines and an object of 1 MiB"},
    {Fault::gone_at_open, "gone_at_open", "the history is compacted while watches are away: 410 when they open"},
    {Fault::gone_in_stream, "gone_in_stream", "watches say 410 and end"},
    {Fault::gone_in_list, "gone_in_list", "continue tokens of lists have expired"},
    {Fault::version_too_large, "version_too_large", "lists and watches are refused with 504 ResourceVersionTooLarge"},
    {Fault::no_bookmarks, "no_bookmarks", "watches have no bookmarks"},
    {Fault::only_bookmarks, "only_bookmarks", "watches have nothing but bookmarks, and many of them"},
    {Fault::unobserved, "unobserved", "watches are away while much happens, and their history is compacted"},
    {Fault::stale_list, "stale_list", "an operator that starts gets lists of an older state"},
    {Fault::late_watch, "late_watch", "the events of one kind, or of all, come late"},
    {Fault::no_sync, "no_sync", "the first list of one kind does not come, and the operator starts again and again"},
    {Fault::event_flood, "event_flood", "events that mean nothing by the thousand"},
    {Fault::crd_gone, "crd_gone", "the kind Replication is not served for a while"},
    {Fault::crd_older, "crd_older", "the CRD is older than the operator: parts of the status are pruned", true},
    {Fault::recreated, "recreated", "the Replication is deleted and another of its name is created"},
    {Fault::child_deleted, "child_deleted", "somebody deletes its Job, Deployment, ConfigMap or pod", true},
    {Fault::name_taken, "name_taken", "somebody else's Job has the name of its own"},
    {Fault::child_stuck, "child_stuck",
     "somebody else's finalizer holds its Jobs and Deployments, beyond spec.deletion.timeout at the end", true},
    {Fault::secret_replaced, "secret_replaced", "a Secret is away, comes back as another one, and is rotated", true},
    {Fault::namespace_ends, "namespace_ends", "its namespace is deleted: pods go first, nothing can be created", true},
    {Fault::quota, "quota", "no pods are allowed, or no Jobs", true},
    {Fault::pod_fails, "pod_fails", "pods are evicted, out of memory, crash, find no image or no node", true},
    {Fault::job_expires, "job_expires", "Jobs that have ended are removed after a moment", true},
    {Fault::engine_mute, "engine_mute", "engines do not answer, or answer for somebody else", true},
    {Fault::operator_stopped, "operator_stopped", "the operator is ended in an orderly way and started again"},
    {Fault::none, "none", "nothing"},
}};

const Entry& entry_of(Fault fault) {
  return *std::find_if(catalogue.begin(), catalogue.end(), [&](const Entry& entry) { return entry.fault == fault; });
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
