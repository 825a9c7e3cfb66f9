#include <algorithm>
#include <array>

#include "operator/api/testing/crd_schema.h"
#include "operator/kube/kinds.h"
#include "operator/replication/scope.h"
#include "operator/torture/disturbance.h"

// What faults do beside refusing requests.
namespace tributary::torture {
namespace {

using kube::Json;
using kube::Object;
using replication::replications;
namespace kinds = kube::kinds;

constexpr const char* foreign_finalizer = "example.org/holds";

// As an earlier release had it.
Json older_schema() {
  Json schema = v1alpha1::testing::crd_schema();
  Json& status = schema["properties"]["status"]["properties"];
  for (const char* name : {"verify", "release", "notStreamed"}) status.erase(name);
  if (status.contains("snapshot")) status["snapshot"]["properties"].erase("slots");
  return schema;
}

}  // namespace

// A verb and a kind that the operator asks for in this moment.
void Disturbance::pick() {
  using Kinds = std::vector<const char*>;
  const Kinds all{"replications", "jobs", "deployments", "pods", "secrets"};
  const Kinds written =
      moment_ == Moment::steady ? Kinds{"replications"} : Kinds{"jobs", "configmaps", "deployments", "replications"};
  const auto one_of = [&](const Kinds& kinds) { return kinds[random() % kinds.size()]; };
  picked_ = one_of(fault_ == FaultKind::webhook ? written : all);
  if (fault_ == FaultKind::late_watch && (moment_ == Moment::steady || chance(30))) picked_.clear();
  if (fault_ == FaultKind::quota) picked_ = chance(50) ? "jobs" : "pods";
  if (fault_ != FaultKind::forbidden) return;
  struct Right {
    kube::Method method;
    Kinds kinds;
  };
  std::vector<Right> rights{{kube::Method::get, all}, {kube::Method::patch, {"replications"}}};
  if (moment_ != Moment::steady) rights.push_back({kube::Method::remove, {"jobs", "configmaps", "deployments"}});
  if (moment_ == Moment::create || moment_ == Moment::update) {
    rights.push_back({kube::Method::post, {"jobs"}});
    rights.push_back({kube::Method::patch, written});
  }
  const Right& right = rights[random() % rights.size()];
  method_ = right.method;
  picked_ = one_of(right.kinds);
}

void Disturbance::begin() {
  {
    const std::lock_guard lock(mutex_);
    active_ = true;
    pick();
    left_ = draw(1, 3);
    worse_ = chance(50);
  }
  served_ = around_.server.served().size();
  happened_ = around_.server.history().size();
  streams_ = around_.server.open_streams();
  oldest_ = around_.server.version();
  befallen_ = around_.cluster.befallen();
  muted_ = around_.engines.muted();
  starts_ = around_.process.starts();
  begin_process_fault();
  begin_watch_fault();
  begin_cluster_fault();
  const bool ends_them = fault_ == FaultKind::reset || fault_ == FaultKind::gone_in_stream;
  // As an API server does every few minutes, and so at rest something is asked for.
  if (moment_ == Moment::steady && !ends_them) around_.server.end_streams();
}

void Disturbance::begin_process_fault() {
  constexpr std::chrono::hours step{1};
  switch (fault_) {
    case FaultKind::operator_killed:
      return around_.process.kill_after(moment_ == Moment::steady ? 1 : draw(1, 6));
    case FaultKind::no_sync:
      return around_.process.kill();
    case FaultKind::two_leaders:
      return around_.process.freeze();
    case FaultKind::clock_steps:
      return around_.clock.step(chance(50) ? step : -step);
    case FaultKind::ca_rotated:
      return around_.credentials.present_next(around_.server);
    default:
      return;
  }
}

void Disturbance::begin_watch_fault() {
  kube::testing::FakeApiServer& server = around_.server;
  switch (fault_) {
    case FaultKind::half_open:
      return server.silence_streams();
    case FaultKind::split:
      server.split_chunks(static_cast<std::size_t>(draw(1, 7)));
      server.put(kinds::secrets, {{"metadata",
                                   {{"name", "large"},
                                    {"namespace", shop.space},
                                    {"annotations", {{"text", std::string(chance(20) ? 1 << 20 : 1 << 14, 'x')}}}}}});
      return;
    case FaultKind::gone_at_open:
      return compact_away();
    case FaultKind::gone_in_list:
    case FaultKind::gone_in_stream:
      return server.send_raw(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
                             "\n");
    case FaultKind::version_too_large:
    case FaultKind::unobserved:
      return server.reset_streams();
    case FaultKind::no_bookmarks:
      return server.disturb_streams({.no_bookmarks = true});
    case FaultKind::late_watch:
      return server.disturb_streams({.plural = picked_, .late = Milliseconds(draw(50, 400))});
    default:
      return;
  }
}

void Disturbance::begin_cluster_fault() {
  kube::testing::FakeApiServer& server = around_.server;
  switch (fault_) {
    case FaultKind::unauthorized:
      return server.set_token("another");
    case FaultKind::crd_gone:
      return server.withdraw(replications());
    case FaultKind::crd_older:
      return server.serve(replications(), true, older_schema());
    case FaultKind::quota:
      return around_.cluster.refuse_pods(picked_ == "pods");
    case FaultKind::job_expires:
      return around_.cluster.expire_jobs(true);
    case FaultKind::engine_mute:
      return around_.engines.behave(chance(50) ? Engines::Manner::silent : Engines::Manner::for_another);
    case FaultKind::pod_fails: {
      std::vector<PodTrouble> next;
      for (int count = draw(1, 3); count > 0; --count) next.push_back(static_cast<PodTrouble>(draw(1, 6)));
      // Those that run are hit first, and only by what may befall them.
      if (moment_ == Moment::steady || moment_ == Moment::remove) next.back() = static_cast<PodTrouble>(draw(1, 4));
      return around_.cluster.trouble(next);
    }
    case FaultKind::secret_replaced:
      return server.erase(kinds::secrets, {shop.space, chance(50) ? "shop-source" : "shop-target"});
    case FaultKind::namespace_ends:
      return end_namespace();
    case FaultKind::child_stuck:
      return hold_children();
    default:
      return;
  }
}

void Disturbance::go_on() {
  disturb_watches();
  disturb_cluster();
  disturb_process();
  if (has_come()) came_ = true;
}

// Started again once something has happened that the older lists do not have.
void Disturbance::start_with_stale_lists() {
  const std::uint64_t now = around_.server.version();
  const auto changes = static_cast<std::uint64_t>(left_);
  if (version_ > 0 || now < oldest_ + changes) return;
  {
    const std::lock_guard lock(mutex_);
    version_ = now - changes;
  }
  around_.process.kill();
}

void Disturbance::disturb_process() {
  switch (fault_) {
    case FaultKind::operator_killed:
      if (chance(3)) around_.process.kill_after(draw(1, 3));
      return;
    case FaultKind::operator_stopped:
      if (!came_ || chance(6)) around_.process.stop();
      came_ = true;
      return;
    case FaultKind::stale_list:
      return start_with_stale_lists();
    default:
      return;
  }
}

// Whether something happened that watches of its kind would have told.
bool Disturbance::was_missed() const {
  const std::string ending = "/" + picked_;
  const std::vector<kube::testing::Logged> since = around_.server.history(happened_);
  return std::any_of(since.begin(), since.end(), [&](const kube::testing::Logged& entry) {
    return picked_.empty() || entry.collection.ends_with(ending);
  });
}

bool Disturbance::was_refused_the_token() const {
  const std::vector<kube::testing::Served> served = around_.server.served();
  return std::any_of(served.begin() + static_cast<std::ptrdiff_t>(served_), served.end(), [](const auto& one) {
    return one.user_agent.starts_with("incarnation-") && one.authorization != "Bearer another";
  });
}

// What is not seen in a request that is met.
bool Disturbance::has_come() {
  switch (fault_) {
    case FaultKind::operator_killed:
      return around_.process.starts() > starts_;
    case FaultKind::no_sync:
      return around_.process.starts() > starts_ + 2;
    case FaultKind::two_leaders:
      return around_.process.is_superseded();
    case FaultKind::half_open:
      return streams_ > 0 && around_.server.history().size() > happened_;
    case FaultKind::late_watch:
      return was_missed();
    case FaultKind::reset:
    case FaultKind::gone_at_open:
    case FaultKind::gone_in_stream:
      return reopened_ > 0;
    case FaultKind::split:
    case FaultKind::no_bookmarks:
    case FaultKind::only_bookmarks:
      return around_.server.open_streams() > 0;
    case FaultKind::unauthorized:
      return !came_ && was_refused_the_token();
    case FaultKind::quota:
    case FaultKind::pod_fails:
    case FaultKind::job_expires:
      return around_.cluster.befallen() > befallen_;
    case FaultKind::engine_mute:
      return around_.engines.muted() > muted_;
    case FaultKind::event_flood:
    case FaultKind::recreated:
    case FaultKind::secret_replaced:
    case FaultKind::namespace_ends:
    case FaultKind::clock_steps:
    case FaultKind::ca_rotated:
      return true;
    default:
      return false;
  }
}

Seconds Disturbance::lasts_longer() const {
  const Seconds rest(moment_ == Moment::steady ? 60 : 0);  // once in which a stream's status is written
  switch (fault_) {
    case FaultKind::no_bookmarks:
      return rest + Seconds(120);  // than the watches have patience
    case FaultKind::no_sync:
      return rest + Seconds(250);  // than an operator waits for its first lists, several times
    case FaultKind::lease_refused:
      return rest + Seconds(worse_ ? 300 : 0);
    default:
      return rest;
  }
}

void Disturbance::disturb_watches() {
  kube::testing::FakeApiServer& server = around_.server;
  switch (fault_) {
    case FaultKind::half_open:
      if (chance(3)) server.silence_streams();
      return;
    case FaultKind::reset:
      if (chance(20)) server.disturb_streams({.cut_after = static_cast<std::size_t>(draw(1, 1500))});
      return;
    case FaultKind::split:
      if (chance(30)) server.send_raw("\n\r\n");
      return;
    case FaultKind::gone_at_open:
      if (chance(5)) compact_away();
      return;
    case FaultKind::gone_in_list:
    case FaultKind::gone_in_stream:
      if (chance(5))
        server.send_raw(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
                        "\n");
      return;
    case FaultKind::version_too_large:
      if (chance(5)) server.reset_streams();
      return;
    case FaultKind::only_bookmarks:
      return server.bookmark();
    case FaultKind::event_flood:
      return make_noise(20);
    default:
      return;
  }
}

void Disturbance::disturb_cluster() {
  switch (fault_) {
    case FaultKind::child_deleted:
      if (left_ > 0 && (!came_ || chance(8))) delete_a_child();
      return;
    case FaultKind::child_stuck:
      return hold_children();
    case FaultKind::secret_replaced:
      if (chance(5)) replace_secret();
      return;
    default:
      return;
  }
}

void Disturbance::lift() {
  if (has_come()) came_ = true;
  {
    const std::lock_guard lock(mutex_);
    active_ = false;
  }
  kube::testing::FakeApiServer& server = around_.server;
  server.disturb_streams({});
  server.split_chunks(0);
  if (fault_ == FaultKind::unobserved) server.compact();
  if (fault_ == FaultKind::crd_gone || fault_ == FaultKind::crd_older)
    server.serve(replications(), true, v1alpha1::testing::crd_schema());
  if (fault_ == FaultKind::name_taken) {
    for (const Object& job : server.all(kinds::jobs))
      if (!job.label("of").empty()) server.erase(kinds::jobs, job.key());
  }
  if (fault_ == FaultKind::child_stuck) let_children_go();
  if (fault_ == FaultKind::unauthorized) around_.credentials.put_token("another");
  if (fault_ == FaultKind::ca_rotated) around_.credentials.trust_next();
  if (fault_ == FaultKind::two_leaders) around_.process.thaw();
  around_.clock.step({});
  if (fault_ == FaultKind::secret_replaced) replace_secret();
  if (fault_ == FaultKind::operator_killed) around_.process.kill_after(-1);
  around_.cluster.refuse_pods(false);
  around_.cluster.expire_jobs(false);
  around_.engines.behave(Engines::Manner::honest);
}

// Something newer than all that the watches have seen is forgotten too.
void Disturbance::compact_away() {
  make_noise(1);
  around_.server.compact();
  around_.server.reset_streams();
}

void Disturbance::make_noise(int events) {
  for (int i = 0; i < events; ++i) {
    around_.server.put(
        kinds::secrets,
        {{"metadata",
          {{"name", "noise"}, {"namespace", shop.space}, {"annotations", {{"number", std::to_string(random())}}}}}});
    for (const Object& pod : around_.server.all(kinds::pods)) {
      Json touched = pod.json();
      touched["metadata"]["annotations"]["noise"] = std::to_string(random());
      around_.server.put_if_unchanged(kinds::pods, touched);
    }
  }
}

void Disturbance::replace_secret() {
  for (const char* name : {"shop-source", "shop-target"}) {
    around_.server.put(kinds::secrets, {{"metadata", {{"name", name}, {"namespace", shop.space}}},
                                        {"data", {{"password", std::to_string(random())}}}});
  }
}

void Disturbance::delete_a_child() {
  const std::array<kube::Resource, 4> of{kinds::jobs, kinds::deployments, kinds::config_maps, kinds::pods};
  const kube::Resource& resource = of[random() % 4];
  for (const Object& child : around_.server.all(resource)) {
    if (child.deleting()) continue;
    --left_;
    came_ = true;
    if (resource.kind != "Pod") return around_.server.erase(resource, child.key());
    Json ending = child.json();
    ending["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:20Z";
    around_.server.put_if_unchanged(resource, ending);
    return;
  }
}

void Disturbance::hold_children() {
  for (const kube::Resource& resource : {kinds::jobs, kinds::deployments}) {
    for (const Object& child : around_.server.all(resource)) {
      if (child.has_finalizer(foreign_finalizer) || child.deleting()) continue;
      Json held = child.json();
      held["metadata"]["finalizers"].push_back(foreign_finalizer);
      if (around_.server.put_if_unchanged(resource, held)) came_ = true;
    }
  }
}

void Disturbance::let_children_go() {
  const auto transport = kube::open_rest_transport(around_.server.config());
  const kube::Client client(*transport, {}, {});
  for (const kube::Resource& resource : {kinds::jobs, kinds::deployments}) {
    for (const Object& child : around_.server.all(resource)) {
      while (true) {
        const Object now = around_.server.find(resource, child.key());
        if (!now.has_finalizer(foreign_finalizer)) break;
        (void)client.merge_patch(resource, child.key(), kube::remove_finalizer(now, foreign_finalizer));
      }
    }
  }
}

// Since 1.33 pods go before anything else.
void Disturbance::end_namespace() {
  kube::testing::FakeApiServer& server = around_.server;
  Json space = {{"metadata", {{"name", shop.space}}}};
  server.put(kinds::namespaces, space);
  space["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:20Z";
  server.put(kinds::namespaces, space);
  for (const Object& pod : server.all(kinds::pods)) {
    Json ending = pod.json();
    ending["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:20Z";
    server.put(kinds::pods, ending);
  }
}

}  // namespace tributary::torture
