#include "operator/replication/reconcile.h"

#include <algorithm>

#include "operator/replication/perform.h"
#include "operator/replication/status.h"

namespace tributary::replication {

namespace {

// Nothing can be created in it any more; the server says so with 403 and in words alone.
bool namespace_ends(const Error& error) {
  return error.fault == Fault::denied && error.what.find("being terminated") != std::string::npos;
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
  std::optional<Sight> sight = observe_cached(means_, *scope, key, stop);
  if (!sight) return kube::Requeue{};
  Decision next = decide(sight->seen);
  if (wants_a_live_look(next)) {
    sight = TRY(observe_live(means_, *scope, key, stop));
    if (!sight) return kube::Requeue{};
    next = decide(sight->seen);
  }
  return carry_out(*sight, next);
}

Result<kube::Requeue> Reconciler::carry_out(const Sight& sight, const Decision& next) const {
  const Observed& seen = sight.seen;
  const Performed performed = perform(means_.client, events_, means_.releaser, sight.object, next.actions);
  if (!performed.outcome.ok()) {
    const Error& error = performed.outcome.error();
    if (seen.object.deleted && !seen.terminating && namespace_ends(error)) {
      Sight informed = sight;
      informed.seen.terminating = true;
      return carry_out(informed, decide(informed.seen));
    }
    if (const auto status = with_fault(opened(seen), error, seen.now)) {
      TRY(publish_and_tell(sight, performed.version, *status));
    }
    return error;
  }
  const bool let_go = std::any_of(next.actions.begin(), next.actions.end(),
                                  [](const Action& action) { return std::holds_alternative<RemoveFinalizer>(action); });
  if (let_go) {
    means_.listener.forget(seen.object.uid);
    means_.releaser.forget(seen.object.uid);
    return kube::Requeue{};
  }
  TRY(publish_and_tell(sight, performed.version, next.status));
  return kube::Requeue{next.recheck};
}

Result<void> Reconciler::publish_and_tell(const Sight& sight, const std::string& version,
                                          const v1alpha1::Status& status) const {
  const v1alpha1::Status& before = sight.seen.object.status;
  if (status == before) return {};
  TRY(publish(means_.client, sight.object, version, status));
  for (const kube::EventNote& note : news(before, status)) events_.emit(sight.object, note);
  return {};
}

}  // namespace tributary::replication
