#include "operator/replication/scope.h"

#include <algorithm>

#include "operator/api/names.h"
#include "operator/kube/kinds.h"
#include "operator/replication/kept.h"
#include "operator/replication/observed.h"

namespace tributary::replication {
namespace {

using kube::Change;
using kube::Key;
using kube::Object;

kube::Priority priority_of(const Change& change) {
  return change.initial ? kube::Priority::initial : kube::Priority::live;
}

std::string secret_index(const std::string& space, const std::string& name) {
  return space + "/" + name;
}

std::vector<std::string> secrets_of(const Object& object) {
  std::vector<std::string> names;
  for (const char* end : {"source", "target"}) {
    names.push_back(secret_index(object.space(), kube::text_at(object.json(), {"spec", end, "secretRef", "name"})));
  }
  return names;
}

// No Secret can have such a name.
std::string host_index(const std::string& space, const std::string& host) {
  return space + "/=" + host;
}

std::vector<std::string> ends_of(const Object& object) {
  std::vector<std::string> names = secrets_of(object);
  const std::string host = kube::text_at(object.json(), {"spec", "target", "host"});
  if (!host.empty()) names.push_back(host_index(object.space(), host));
  return names;
}

std::vector<std::string> uid_of(const Object& object) {
  return {object.label(v1alpha1::uid_label)};
}

std::vector<std::string> owners_of(const Object& object) {
  std::vector<std::string> uids;
  for (const kube::OwnerReference& owner : object.owners()) uids.push_back(owner.uid);
  return uids;
}

// No owner's UID is such a name.
std::string rolling_index(const std::string& image) {
  return "rolling " + image;
}

std::vector<std::string> owners_and_rolling(const Object& object) {
  std::vector<std::string> names = owners_of(object);
  if (const Deployment deployment = deployment_from(object); deployment.rolling) {
    names.push_back(rolling_index(deployment.image));
  }
  return names;
}

// A dependent carries its Replication's name as a label.
kube::Watch::Handler queue_owner(kube::Queue& queue) {
  return [&queue](const Change& change) {
    queue.add({change.key.space, change.state.object().label(v1alpha1::name_label)}, priority_of(change));
  };
}

}  // namespace

const kube::Resource& replications() {
  static const kube::Resource resource{v1alpha1::group, v1alpha1::version, v1alpha1::kind, v1alpha1::plural};
  return resource;
}

kube::WatchOptions Scope::watching(const kube::Resource& resource, Keep keep, const std::string& labels) const {
  kube::WatchOptions options = manner_;
  options.resource = resource;
  options.selection.space = space_;
  options.selection.labels = labels;
  options.slim = keep;
  return options;
}

// All Secrets, or those of one name, which is how RBAC can be told of some alone.
struct Scope::SecretFeed {
  SecretFeed(kube::Transport& transport, kube::WatchOptions options, std::string of, kube::Watch::Handler handler)
      : name(std::move(of)), watch(transport, std::move(options), store, std::move(handler)) {}

  const std::string name;  // empty: all
  kube::Store store;
  kube::Watch watch;
};

Scope::Scope(kube::Transport& transport, std::string space, kube::Queue& queue, const SecretAccess& secrets,
             kube::WatchOptions manner)
    : space_(std::move(space)),
      manner_(std::move(manner)),
      objects_(ends_of),
      jobs_(owners_of),
      deployments_(owners_and_rolling),
      pods_(uid_of),
      object_watch_(transport, watching(replications(), keep_replication), objects_,
                    [&queue](const Change& change) { queue.add(change.key, priority_of(change)); }),
      job_watch_(transport, watching(kube::kinds::jobs, keep_job, v1alpha1::uid_label), jobs_, queue_owner(queue)),
      deployment_watch_(transport, watching(kube::kinds::deployments, keep_deployment, v1alpha1::uid_label),
                        deployments_, queue_owner(queue)),
      pod_watch_(transport, watching(kube::kinds::pods, keep_pod, v1alpha1::uid_label), pods_, queue_owner(queue)) {
  if (!secrets.granted) return;
  if (secrets.names.empty()) watch_secrets(transport, "", queue);
  for (const std::string& name : secrets.names) watch_secrets(transport, name, queue);
}

Scope::~Scope() = default;

void Scope::watch_secrets(kube::Transport& transport, const std::string& name, kube::Queue& queue) {
  kube::WatchOptions options = watching(kube::kinds::secrets, keep_identity);
  options.selection.detail = kube::Detail::metadata;
  if (!name.empty()) options.selection.fields = "metadata.name=" + name;
  const auto queue_users = [this, &queue](const Change& change) {
    for (const Key& user : objects_.indexed_keys(secret_index(change.key.space, change.key.name))) {
      queue.add(user, priority_of(change));
    }
  };
  secret_feeds_.push_back(std::make_unique<SecretFeed>(transport, std::move(options), name, queue_users));
}

const Scope::SecretFeed* Scope::feed_of(const std::string& name) const {
  const auto found = std::find_if(secret_feeds_.begin(), secret_feeds_.end(),
                                  [&](const auto& feed) { return feed->name.empty() || feed->name == name; });
  return found == secret_feeds_.end() ? nullptr : found->get();
}

std::size_t Scope::rolling(const std::string& image) const {
  return deployments_.indexed_keys(rolling_index(image)).size();
}

std::vector<kube::Seen> Scope::sharers(const kube::Object& object) const {
  std::vector<kube::Seen> found;
  for (const std::string& end : ends_of(object)) {
    const std::vector<kube::Seen> users = objects_.indexed(end);
    found.insert(found.end(), users.begin(), users.end());
  }
  return found;
}

bool Scope::watches_secret(const std::string& name) const {
  return feed_of(name) != nullptr;
}

kube::Seen Scope::secret(const kube::Key& key) const {
  const SecretFeed* feed = feed_of(key.name);
  return feed == nullptr ? nullptr : feed->store.find(key);
}

std::vector<const kube::Watch*> Scope::watches() const {
  std::vector<const kube::Watch*> watches = {&object_watch_, &job_watch_, &deployment_watch_, &pod_watch_};
  for (const auto& feed : secret_feeds_) watches.push_back(&feed->watch);
  return watches;
}

bool Scope::wait_synced(Deadline deadline, std::stop_token stop) const {
  for (const kube::Watch* watch : watches()) {
    if (!watch->store().wait_synced(deadline, stop)) return false;
  }
  return true;
}

}  // namespace tributary::replication
