#include "operator/replication/reconcile.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "operator/replication/perform.h"
#include "operator/replication/status.h"

namespace tributary::replication {

namespace {

// Nothing can be created in it any more; the server says so with 403 and in words alone.
bool namespace_ends(const Error& error) {
  return error.fault == Fault::denied && error.what.find("being terminated") != std::string::npos;
}

// The object is not as it was seen: a status for what it was would be refused too.
bool saw_too_old(const Sight& sight, const Decision& next, const Performed& performed) {
  return performed.outcome.error().fault == Fault::conflict && performed.version == sight.object.resource_version() &&
         std::holds_alternative<AddFinalizer>(next.actions.front());
}

}  // namespace

const Scope* Reconciler::scope_of(const kube::Key& key) const {
  const auto found =
      std::find_if(scopes_.begin(), scopes_.end(), [&](const auto& scope) { return scope->covers(key.space); });
  return found == scopes_.end() ? nullptr : found->get();
}

Result<kube::Requeue> Reconciler::operator()(const kube::Key& key, std::stop_token stop) const {
  const Scope* scope = scope_of(key);
  if (scope == nullptr) return kube::Requeue{};
  Lap lap;
  std::optional<Sight> sight = observe_cached(means_, *scope, key, stop);
  keep_memory_of(key, sight ? sight->object.uid() : "");
  if (!sight) return kube::Requeue{};
  narrate_look("caches", sight->seen, lap);
  Decision next = decide(sight->seen);
  if (begins_untouched(sight->seen, next)) {
    narrate_decision(next, lap);
    const Result<kube::Requeue> begun = carry_out(*sight, next, lap);
    if (begun.ok() || begun.error().fault != Fault::conflict) return begun;
  }
  if (wants_a_live_look(next)) {
    sight = TRY(observe_live(means_, *scope, key, stop));
    if (!sight) return kube::Requeue{};
    narrate_look("server", sight->seen, lap);
    next = decide(sight->seen);
  }
  if (stop.stop_requested()) return Error{Fault::cancelled, "stopped before anything was decided"};
  narrate_decision(next, lap);
  return carry_out(*sight, next, lap);
}

// Of one object at a time, and of none that is gone, whoever took its finalizer away.
void Reconciler::keep_memory_of(const kube::Key& key, const std::string& uid) const {
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(uids_[key], uid);
    if (uid.empty()) uids_.erase(key);
  }
  if (before.empty() || before == uid) return;
  means_.listener.forget(before);
  means_.releaser.forget(before);
}

Result<kube::Requeue> Reconciler::carry_out(const Sight& sight, const Decision& next, Lap lap) const {
  const Observed& seen = sight.seen;
  const Performed performed = perform(means_.client, events_, means_.releaser, sight.object, next.actions);
  if (!next.actions.empty()) narrate_beat(performed.outcome.ok() ? "acted" : "failed to act", lap);
  if (!performed.outcome.ok()) {
    const Error& error = performed.outcome.error();
    if (seen.object.deleted && !seen.terminating && namespace_ends(error)) {
      Sight informed = sight;
      informed.seen.terminating = true;
      return carry_out(informed, decide(informed.seen), lap);
    }
    if (saw_too_old(sight, next, performed)) return error;
    if (const auto status = with_fault(opened(seen), error, seen.now)) {
      TRY(publish_and_tell(sight, performed.version, *status, lap));
    }
    return error;
  }
  for (const Action& action : next.actions) {
    if (const auto* removal = std::get_if<RemoveFinalizer>(&action)) return let_go(sight, *removal);
  }
  TRY(publish_and_tell(sight, performed.version, next.status, lap));
  return kube::Requeue{next.recheck};
}

Result<kube::Requeue> Reconciler::let_go(const Sight& sight, const RemoveFinalizer& action) const {
  means_.listener.forget(sight.seen.object.uid);
  means_.releaser.forget(sight.seen.object.uid);
  if (!action.orphans) return kube::Requeue{};
  log::warn("deletion left something behind", {{"hint", "the last Events about the object say what, and what to do"}});
  const std::lock_guard lock(mutex_);
  ++orphaned_[sight.object.space()];
  return kube::Requeue{};
}

std::map<std::string, std::uint64_t> Reconciler::orphaned() const {
  const std::lock_guard lock(mutex_);
  return orphaned_;
}

Result<void> Reconciler::publish_and_tell(const Sight& sight, const std::string& version,
                                          const v1alpha1::Status& status, Lap& lap) const {
  const v1alpha1::Status& before = sight.seen.object.status;
  if (status == before) return {};
  TRY(publish(means_.client, sight.object, version, status));
  narrate_beat("status written", lap);
  for (const kube::EventNote& note : news(before, status)) events_.emit(sight.object, note);
  return {};
}

}  // namespace tributary::replication
