#include "operator/replication/perform.h"

#include "operator/api/names.h"
#include "operator/kube/kinds.h"
#include "operator/replication/scope.h"

namespace tributary::replication {
namespace {

using kube::Json;
using kube::Object;

Result<void> gone_is_fine(Result<void> removed) {
  if (removed.ok() || removed.error().fault == Fault::missing) return {};
  return removed.error();
}

// Of a Replication: it is gone, which its watch will tell, or its kind is not served for a moment, and then nothing
// will.
Result<void> look_again_if_missing(Result<void> written) {
  if (written.ok() || written.error().fault != Fault::missing) return written;
  return Error{Fault::conflict, written.error().what, written.error().hint};
}

Object namespace_of(const Object& object) {
  return Object(Json{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", object.space()}}}});
}

class Performer {
 public:
  Performer(const kube::Client& client, kube::Events& events, Releaser& releaser, const Object& object)
      : client_(client), events_(events), releaser_(releaser), object_(object), version_(object.resource_version()) {}

  Result<void> operator()(const AddFinalizer&) { return patch(kube::add_finalizer(object_, v1alpha1::finalizer)); }

  Result<void> operator()(const RemoveFinalizer&) {
    return look_again_if_missing(patch(kube::remove_finalizer(object_, v1alpha1::finalizer)));
  }

  Result<void> operator()(const ApplyConfigMap& action) {
    TRY(client_.apply(kube::kinds::config_maps, action.object));
    return {};
  }

  Result<void> operator()(const RestoreConfigMap& action) {
    const Result<Object> created = client_.create(kube::kinds::config_maps, action.object);
    if (created.ok() || created.error().fault == Fault::conflict) return {};
    return created.error();
  }

  // An answer that was lost, or a request that the library sent twice, leaves a Job of this name that is ours.
  Result<void> operator()(const CreateJob& action) {
    const Result<Object> created = client_.create(kube::kinds::jobs, action.object);
    if (created.ok() || created.error().fault != Fault::conflict) return outcome_of(created);
    const Object existing = TRY(client_.get(kube::kinds::jobs, action.object.key()));
    if (existing.label(v1alpha1::uid_label) == object_.uid()) return {};
    return Error{Fault::invalid, "job " + existing.name() + " exists and belongs to somebody else",
                 "delete it or name this Replication otherwise"};
  }

  // The ConfigMap first: while its Job is there, a deletion that was cut short is begun again.
  Result<void> operator()(const DeleteJob& action) {
    const kube::Key key{object_.space(), action.name};
    const kube::Removal job{.propagation = kube::Propagation::foreground, .uid = action.uid};
    TRY(gone_is_fine(client_.remove(kube::kinds::config_maps, key)));
    return gone_is_fine(client_.remove(kube::kinds::jobs, key, job));
  }

  Result<void> operator()(const ApplyDeployment& action) {
    TRY(client_.apply(kube::kinds::deployments, action.object));
    return {};
  }

  Result<void> operator()(const DeleteDeployment& action) {
    const kube::Key key{object_.space(), action.name};
    const kube::Removal deployment{.propagation = kube::Propagation::foreground, .uid = action.uid};
    TRY(gone_is_fine(client_.remove(kube::kinds::config_maps, key)));
    return gone_is_fine(client_.remove(kube::kinds::deployments, key, deployment));
  }

  // Whether it was heard is seen by what it answers, then or later.
  Result<void> operator()(const OrderRelease& action) {
    releaser_.order(object_.uid(), action.pod_ip, action.forget, action.first);
    return {};
  }

  Result<void> operator()(const Announce& action) {
    events_.emit(action.of_namespace ? namespace_of(object_) : object_, action.note);
    return {};
  }

  const std::string& version() const { return version_; }

 private:
  static Result<void> outcome_of(const Result<Object>& result) {
    if (!result.ok()) return result.error();
    return {};
  }

  Result<void> patch(const Json& change) {
    const Object patched = TRY(client_.merge_patch(replications(), object_.key(), change));
    version_ = patched.resource_version();
    return {};
  }

  const kube::Client& client_;
  kube::Events& events_;
  Releaser& releaser_;
  const Object& object_;
  std::string version_;
};

}  // namespace

Performed perform(const kube::Client& client, kube::Events& events, Releaser& releaser, const Object& object,
                  const std::vector<Action>& actions) {
  Performer performer(client, events, releaser, object);
  Result<void> outcome;
  for (auto action = actions.begin(); action != actions.end() && outcome.ok(); ++action) {
    outcome = std::visit(performer, *action);
  }
  return {performer.version(), std::move(outcome)};
}

Result<void> publish(const kube::Client& client, const Object& object, const std::string& version,
                     const v1alpha1::Status& status) {
  const Object intent(
      {{"apiVersion", v1alpha1::api_version},
       {"kind", v1alpha1::kind},
       {"metadata", {{"name", object.name()}, {"namespace", object.space()}, {"resourceVersion", version}}},
       {"status", to_json(status)}});
  const Result<Object> applied = client.apply(replications(), intent, kube::Subresource::status);
  if (applied.ok()) return {};
  return look_again_if_missing(applied.error());
}

}  // namespace tributary::replication
