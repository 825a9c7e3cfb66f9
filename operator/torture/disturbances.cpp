#include <array>
#include <fstream>

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

void Disturbance::begin() {
  {
    const std::lock_guard lock(mutex_);
    active_ = true;
    const std::array<const char*, 5> read{"replications", "jobs", "deployments", "pods", "secrets"};
    const std::array<const char*, 4> written{"jobs", "configmaps", "deployments", "replications"};
    const std::array<kube::Method, 4> methods{kube::Method::post, kube::Method::patch, kube::Method::remove,
                                              kube::Method::get};
    method_ = methods[random() % 4];
    picked_ = fault_ == Fault::webhook || (fault_ == Fault::forbidden && method_ != kube::Method::get)
                  ? written[random() % 4]
                  : read[random() % 5];
    if (fault_ == Fault::forbidden && method_ == kube::Method::post) picked_ = "jobs";
    if (fault_ == Fault::quota) picked_ = chance(50) ? "jobs" : "pods";
    left_ = draw(1, 3);
  }
  begin_watch_fault();
  begin_cluster_fault();
}

void Disturbance::begin_watch_fault() {
  kube::testing::FakeApiServer& server = around_.server;
  switch (fault_) {
    case Fault::half_open:
      return server.silence_streams();
    case Fault::split:
      server.split_chunks(static_cast<std::size_t>(draw(1, 7)));
      server.put(kinds::secrets, {{"metadata",
                                   {{"name", "large"},
                                    {"namespace", shop.space},
                                    {"annotations", {{"text", std::string(chance(20) ? 1 << 20 : 1 << 14, 'x')}}}}}});
      return;
    case Fault::gone_at_open:
      return compact_away();
    case Fault::gone_in_list:
    case Fault::gone_in_stream:
      return server.send_raw(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
                             "\n");
    case Fault::version_too_large:
    case Fault::unobserved:
      return server.reset_streams();
    case Fault::no_bookmarks:
      return server.disturb_streams({.no_bookmarks = true});
    case Fault::late_watch:
      return server.disturb_streams({.plural = chance(30) ? "" : picked_, .late = Milliseconds(draw(50, 400))});
    case Fault::stale_list: {
      const auto back = static_cast<std::uint64_t>(draw(1, 25));
      const std::uint64_t now = server.version();
      const std::lock_guard lock(mutex_);
      version_ = now > 100 + back ? now - back : now;
      return around_.process.kill();
    }
    case Fault::no_sync:
      return around_.process.kill();
    default:
      return;
  }
}

void Disturbance::begin_cluster_fault() {
  kube::testing::FakeApiServer& server = around_.server;
  switch (fault_) {
    case Fault::operator_killed:
      return around_.process.kill_after(draw(1, 6));
    case Fault::unauthorized:
      return server.set_token("another");
    case Fault::crd_gone:
      return server.withdraw(replications());
    case Fault::crd_older:
      return server.serve(replications(), true, older_schema());
    case Fault::quota:
      return around_.cluster.refuse_pods(picked_ == "pods");
    case Fault::job_expires:
      return around_.cluster.expire_jobs(true);
    case Fault::engine_mute:
      return around_.engines.behave(chance(50) ? Engines::Manner::silent : Engines::Manner::for_another);
    case Fault::pod_fails: {
      std::vector<PodTrouble> next;
      for (int count = draw(1, 3); count > 0; --count) next.push_back(static_cast<PodTrouble>(draw(1, 6)));
      return around_.cluster.trouble(next);
    }
    case Fault::secret_replaced:
      return server.erase(kinds::secrets, {shop.space, chance(50) ? "shop-source" : "shop-target"});
    case Fault::namespace_ends:
      return end_namespace();
    default:
      return;
  }
}

void Disturbance::go_on() {
  disturb_watches();
  disturb_cluster();
}

void Disturbance::disturb_watches() {
  kube::testing::FakeApiServer& server = around_.server;
  switch (fault_) {
    case Fault::half_open:
      if (chance(3)) server.silence_streams();
      return;
    case Fault::reset:
      if (chance(20)) server.disturb_streams({.cut_after = static_cast<std::size_t>(draw(1, 1500))});
      return;
    case Fault::split:
      if (chance(30)) server.send_raw("\n\r\n");
      return;
    case Fault::gone_at_open:
      if (chance(5)) compact_away();
      return;
    case Fault::gone_in_list:
    case Fault::gone_in_stream:
      if (chance(5))
        server.send_raw(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
                        "\n");
      return;
    case Fault::version_too_large:
      if (chance(5)) server.reset_streams();
      return;
    case Fault::only_bookmarks:
      return server.bookmark();
    case Fault::event_flood:
      return make_noise(20);
    default:
      return;
  }
}

void Disturbance::disturb_cluster() {
  switch (fault_) {
    case Fault::operator_killed:
      if (chance(3)) around_.process.kill_after(draw(1, 3));
      return;
    case Fault::operator_stopped:
      if (chance(6)) around_.process.stop();
      return;
    case Fault::child_deleted:
      if (left_ > 0 && chance(8)) delete_a_child();
      return;
    case Fault::child_stuck:
      return hold_children();
    case Fault::secret_replaced:
      if (chance(5)) replace_secret();
      return;
    default:
      return;
  }
}

void Disturbance::lift() {
  {
    const std::lock_guard lock(mutex_);
    active_ = false;
  }
  kube::testing::FakeApiServer& server = around_.server;
  server.disturb_streams({});
  server.split_chunks(0);
  if (fault_ == Fault::unobserved) server.compact();
  if (fault_ == Fault::crd_gone || fault_ == Fault::crd_older)
    server.serve(replications(), true, v1alpha1::testing::crd_schema());
  if (fault_ == Fault::name_taken) {
    for (const Object& job : server.all(kinds::jobs))
      if (!job.label("of").empty()) server.erase(kinds::jobs, job.key());
  }
  if (fault_ == Fault::child_stuck) let_children_go();
  if (fault_ == Fault::unauthorized) std::ofstream(around_.token_file) << "another";
  if (fault_ == Fault::secret_replaced) replace_secret();
  if (fault_ == Fault::operator_killed) around_.process.kill_after(-1);
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
      around_.server.put_if_unchanged(resource, held);
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
