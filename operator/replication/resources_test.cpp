#include "operator/replication/resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/api/spec.h"
#include "engine/base/digest.h"
#include "operator/api/names.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using kube::Json;

Json pod_spec(const Observed& seen) {
  return attempt_for(seen, 1, {}).job.json()["spec"]["template"]["spec"];
}

TEST(Attempt, is_named_after_the_object_its_inputs_and_its_number) {
  Observed seen = scene();
  const std::string first = attempt_for(seen, 1, {}).name;
  EXPECT_THAT(first, ::testing::MatchesRegex("shop-[0-9a-f]+-1"));
  EXPECT_NE(attempt_for(seen, 2, {}).name, first);
  Observed reborn = seen;
  reborn.object.uid = "another";
  EXPECT_NE(attempt_for(reborn, 1, {}).name, first);
  Observed repeated = seen;
  repeated.object.spec.snapshot.request_id = "again";
  EXPECT_NE(attempt_for(repeated, 1, {}).name, first);
  seen.object.name = std::string(45, 'x');
  EXPECT_LE(attempt_for(seen, 9'999'999, {}).name.size(), 63U);
}

TEST(Attempt, belongs_to_its_replication) {
  const Attempt attempt = attempt_for(scene(), 1, {});
  for (const kube::Object* object : {&attempt.job, &attempt.config_map}) {
    EXPECT_EQ(object->name(), attempt.name);
    EXPECT_EQ(object->space(), "prod");
    EXPECT_EQ(object->label(v1alpha1::uid_label), uid);
    ASSERT_EQ(object->owners().size(), 1U);
    EXPECT_EQ(object->owners()[0].uid, uid);
    EXPECT_EQ(object->owners()[0].kind, "Replication");
    EXPECT_TRUE(object->owners()[0].controller);
  }
}

TEST(Attempt, mounts_a_spec_that_the_engine_reads_and_that_says_what_was_asked_for) {
  Observed seen = scene();
  seen.object.spec.source.host = "db";
  seen.object.spec.source.port = 5433;
  seen.object.spec.tables.exclude = {"shop.public.sessions"};
  seen.object.spec.snapshot.parallelism = 3;
  seen.object.spec.snapshot.timeout = Seconds(3600);
  const Json data = attempt_for(seen, 7, {}).config_map.json()["data"];
  const Result<api::Spec> spec = api::spec_from_json(data["spec.json"].get<std::string>());
  ASSERT_TRUE(spec.ok()) << spec.error().what;
  EXPECT_EQ(spec->mode, api::Mode::snapshot);
  EXPECT_EQ(spec->replication, uid);
  EXPECT_EQ(spec->name, "prod/shop");
  EXPECT_EQ(spec->attempt, 7);
  EXPECT_EQ(spec->source.credentials_dir, "/etc/tributary/source");
  EXPECT_EQ(spec->target.credentials_dir, "/etc/tributary/target");
  EXPECT_EQ(spec->source.host, "db");
  EXPECT_EQ(spec->source.port, 5433);
  EXPECT_EQ(spec->selection.exclude_tables, seen.object.spec.tables.exclude);
  EXPECT_EQ(spec->snapshot.parallelism, 3);
  EXPECT_EQ(spec->snapshot.timeout, Seconds(3600));
}

TEST(Attempt, a_job_reads_back_as_what_it_was_started_with) {
  Observed seen = scene();
  seen.object.generation = 4;
  seen.object.spec.snapshot.request_id = "first";
  const Job job = job_of(seen, 3);
  EXPECT_EQ(job.attempt, 3);
  EXPECT_EQ(job.generation, 4);
  EXPECT_EQ(job.request_id, "first");
  EXPECT_EQ(job.inputs_hash, inputs_hash(seen.object));
  EXPECT_EQ(job.rendered_hash, rendered_hash(seen));
  EXPECT_EQ(job.credentials, seen.secrets);
}

TEST(Attempt, fits_restricted_pod_security) {
  const Json pod = pod_spec(scene());
  EXPECT_EQ(pod["securityContext"]["runAsNonRoot"], true);
  EXPECT_EQ(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
  EXPECT_EQ(pod["automountServiceAccountToken"], false);
  for (const Json& container : pod["containers"]) {
    EXPECT_EQ(container["securityContext"]["allowPrivilegeEscalation"], false);
    EXPECT_EQ(container["securityContext"]["readOnlyRootFilesystem"], true);
    EXPECT_EQ(container["securityContext"]["capabilities"]["drop"], Json::array({"ALL"}));
  }
  for (const Json& volume : pod["volumes"]) {
    EXPECT_TRUE(volume.contains("configMap") || volume.contains("secret") || volume.contains("emptyDir"));
  }
}

TEST(Attempt, credentials_travel_as_mounted_files_only) {
  const Json pod = pod_spec(scene());
  EXPECT_FALSE(pod["containers"][0].contains("env"));
  EXPECT_FALSE(pod["containers"][0].contains("envFrom"));
  EXPECT_EQ(pod["volumes"][1]["secret"],
            (Json{{"secretName", "shop-source"}, {"optional", true}, {"defaultMode", 0440}}));
  EXPECT_EQ(pod["volumes"][2]["secret"]["secretName"], "shop-target");
}

TEST(Attempt, runs_the_verb_of_its_mode) {
  Observed seen = scene();
  EXPECT_EQ(pod_spec(seen)["containers"][0]["args"][0], "init");
  seen.object.spec.mode = v1alpha1::Mode::validate;
  EXPECT_EQ(pod_spec(seen)["containers"][0]["args"][0], "validate");
}

TEST(Attempt, has_what_crashes_before_it_left_of_the_limit) {
  Observed seen = scene();
  const auto limit = [&](int crashes) -> int {
    return attempt_for(seen, 2, {.crashes = crashes}).job.json()["spec"]["backoffLimit"];
  };
  EXPECT_EQ(limit(0), 6);
  EXPECT_EQ(limit(2), 4);
  EXPECT_EQ(limit(9), 0);
  EXPECT_EQ(job_of(seen, 2, {.crashes = 2}).crashes, 2);
  EXPECT_EQ(job_of(seen, 2, {.crashes = 2}).rendered_hash, rendered_hash(seen));
}

TEST(Attempt, is_not_repeated_for_exit_codes_that_say_the_same_again_and_not_counted_for_disruptions) {
  const Json job = attempt_for(scene(), 1, {}).job.json()["spec"];
  const Json rules = job["podFailurePolicy"]["rules"];
  EXPECT_EQ(rules[0]["action"], "FailJob");
  EXPECT_EQ(rules[0]["onExitCodes"]["values"], Json({2, 3, 4, 5}));
  EXPECT_EQ(rules[1]["action"], "Ignore");
  EXPECT_EQ(job["template"]["spec"]["restartPolicy"], "Never");
  EXPECT_FALSE(job.contains("ttlSecondsAfterFinished")) << "the job may go only after it was recorded";
  EXPECT_FALSE(job.contains("activeDeadlineSeconds"));
}

TEST(Attempt, the_template_overrides_what_it_names) {
  Observed seen = scene();
  v1alpha1::Template& pod = seen.object.spec.pod;
  pod.image = "mine:1";
  pod.image_pull_policy = "Never";
  pod.service_account_name = "engine";
  pod.priority_class_name = "low";
  pod.labels = {{"team", "shop"}};
  pod.annotations = {{"sidecar.istio.io/inject", "false"}};
  pod.image_pull_secrets = Json::array({{{"name", "pull"}}});
  pod.resources = {{"limits", {{"memory", "2Gi"}}}};
  pod.node_selector = {{"disk", "fast"}};
  pod.tolerations = Json::array({{{"key", "db"}}});
  pod.affinity = {{"nodeAffinity", Json::object()}};
  seen.object.spec.snapshot.timeout = Seconds(600);
  const Json job = attempt_for(seen, 1, {}).job.json()["spec"];
  const Json spec = job["template"]["spec"];
  EXPECT_EQ(spec["containers"][0]["image"], "mine:1");
  EXPECT_EQ(spec["containers"][0]["imagePullPolicy"], "Never");
  EXPECT_EQ(spec["containers"][0]["resources"], pod.resources);
  EXPECT_EQ(spec["serviceAccountName"], "engine");
  EXPECT_EQ(spec["priorityClassName"], "low");
  EXPECT_EQ(spec["imagePullSecrets"], pod.image_pull_secrets);
  EXPECT_EQ(spec["nodeSelector"], pod.node_selector);
  EXPECT_EQ(spec["tolerations"], pod.tolerations);
  EXPECT_EQ(spec["affinity"], pod.affinity);
  EXPECT_EQ(job["template"]["metadata"]["labels"]["team"], "shop");
  EXPECT_EQ(job["template"]["metadata"]["labels"][v1alpha1::uid_label], uid);
  EXPECT_EQ(job["template"]["metadata"]["annotations"]["sidecar.istio.io/inject"], "false");
  EXPECT_EQ(job["activeDeadlineSeconds"], 660);
}

TEST(Attempt, of_a_release_says_so_and_forgets_only_when_asked) {
  const Attempt release = release_for(scene(), 3, 2, Remains::data);
  EXPECT_THAT(release.name, ::testing::MatchesRegex("shop-[0-9a-f]+-3"));
  EXPECT_NE(release.name, attempt_for(scene(), 3, {}).name);
  EXPECT_EQ(release.job.annotation(v1alpha1::release_annotation), "true");
  EXPECT_EQ(job_from(release.job).outages, 2);
  EXPECT_EQ(job_from(release.job).attempt, 3);
  const Json container = release.job.json()["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(container["args"][0], "release");
  EXPECT_EQ(container["args"][1], "--forget");
  const Json args =
      release_for(scene(), 3, 2, Remains::everything).job.json()["spec"]["template"]["spec"]["containers"][0]["args"];
  EXPECT_EQ(args[1], "--spec");
  EXPECT_FALSE(release.job.json()["spec"].contains("activeDeadlineSeconds"));
  EXPECT_FALSE(job_from(release.job).drops_data);
}

TEST(Attempt, of_a_release_that_drops_the_targets_data_says_yes_to_it) {
  const Attempt release = release_for(scene(), 3, 0, Remains::nothing);
  const Json args = release.job.json()["spec"]["template"]["spec"]["containers"][0]["args"];
  EXPECT_EQ(args[1], "--drop-target-data");
  EXPECT_EQ(args[2], "--yes");
  EXPECT_EQ(args[3], "--spec");
  EXPECT_TRUE(job_from(release.job).drops_data);
}

// --- a stream

TEST(StreamFor, is_one_pod_that_is_ended_before_the_next_begins) {
  const Stream stream = stream_for(scene(), 1, false, {});
  EXPECT_THAT(stream.name, ::testing::MatchesRegex("shop-[0-9a-f]+-sync"));
  EXPECT_EQ(stream.config_map.name(), stream.name);
  EXPECT_EQ(stream.deployment.owners()[0].uid, uid);
  const Json spec = stream.deployment.json()["spec"];
  EXPECT_EQ(spec["replicas"], 1);
  EXPECT_EQ(spec["strategy"]["type"], "Recreate");
  const Json pod = spec["template"];
  for (const auto& [key, value] : spec["selector"]["matchLabels"].items()) {
    EXPECT_EQ(pod["metadata"]["labels"][key], value);
  }
  EXPECT_FALSE(
      attempt_for(scene(), 1, {}).job.json()["spec"]["template"]["metadata"]["labels"].contains(v1alpha1::stream_label))
      << "no job's pod is taken for it";
  EXPECT_EQ(pod["spec"]["restartPolicy"], "Always");
  EXPECT_EQ(pod["spec"]["automountServiceAccountToken"], false);
  EXPECT_EQ(pod["spec"]["securityContext"]["runAsNonRoot"], true);
  EXPECT_EQ(pod["spec"]["volumes"][0]["configMap"]["name"], stream.name);
  EXPECT_FALSE(pod["metadata"]["annotations"].contains("cluster-autoscaler.kubernetes.io/safe-to-evict"));
  const Json container = pod["spec"]["containers"][0];
  EXPECT_EQ(container["args"][0], "sync");
  EXPECT_EQ(container["livenessProbe"]["httpGet"]["path"], "/healthz");
  EXPECT_EQ(container["readinessProbe"]["httpGet"]["path"], "/readyz");
}

TEST(StreamFor, has_a_name_that_fits_into_a_label) {
  Observed seen = scene();
  seen.object.name = std::string(45, 'x');
  EXPECT_LE(stream_for(seen, 1, false, {}).name.size(), 63U);
}

TEST(StreamFor, mounts_a_spec_that_the_engine_reads) {
  Observed seen = scene();
  seen.object.spec.mode = v1alpha1::Mode::snapshot_and_sync;
  seen.object.spec.publication = "theirs";
  const auto spec_of = [](const Observed& of) {
    const Json data = stream_for(of, 7, false, {}).config_map.json()["data"];
    return api::spec_from_json(data["spec.json"].get<std::string>()).value();
  };
  EXPECT_EQ(spec_of(seen).mode, api::Mode::snapshot_and_sync);
  EXPECT_EQ(spec_of(seen).replication, uid);
  EXPECT_EQ(spec_of(seen).attempt, 7);
  EXPECT_EQ(spec_of(seen).sync.publication, "theirs");
  EXPECT_EQ(spec_of(seen).sync.schema_changes, api::SchemaChanges::apply);
  EXPECT_EQ(spec_of(seen).sync.refresh_interval, Seconds(24 * 60 * 60));
  seen.object.spec.sync.schema_changes = v1alpha1::SchemaChanges::stop;
  seen.object.spec.sync.refresh_interval = Seconds(90);
  EXPECT_EQ(spec_of(seen).sync.schema_changes, api::SchemaChanges::stop);
  EXPECT_EQ(spec_of(seen).sync.refresh_interval, Seconds(90));
  seen.object.spec.recopy = {"first", {"shop.public.orders", "billing.*"}};
  EXPECT_EQ(spec_of(seen).recopy.request_id, "first");
  EXPECT_EQ(spec_of(seen).recopy.tables, seen.object.spec.recopy.tables);
  seen.object.spec.mode = v1alpha1::Mode::sync;
  EXPECT_EQ(spec_of(seen).mode, api::Mode::sync);
  EXPECT_EQ(spec_of(seen).replication, "") << "the command line named it after both ends";
}

TEST(StreamFor, its_credentials_are_part_of_the_pod_and_not_of_the_digest) {
  const Stream one = stream_for(scene(), 1, false, {{"a", "u-1", "1"}});
  Observed keyed = scene();
  keyed.release_token_hash = std::string(64, 'a');
  EXPECT_EQ(stream_for(keyed, 1, false, {}).rendered_hash, one.rendered_hash) << "a key replaces no pod";
  EXPECT_NE(stream_for(keyed, 1, false, {}).config_map.json(), one.config_map.json());
  const Stream other = stream_for(scene(), 1, false, {{"a", "u-1", "2"}});
  EXPECT_EQ(one.rendered_hash, other.rendered_hash);
  EXPECT_NE(one.deployment.json()["spec"]["template"], other.deployment.json()["spec"]["template"]);
  EXPECT_NE(stream_for(scene(), 1, true, {}).rendered_hash, one.rendered_hash);
}

TEST(Hash, inputs_are_what_decides_which_rows_arrive_where) {
  const v1alpha1::Replication base = scene().object;
  struct Case {
    const char* sentence;
    bool matters;
    void (*change)(v1alpha1::Replication&);
  };
  using R = v1alpha1::Replication;
  const Case cases[] = {
      {"source secret", true, [](R& r) { r.spec.source.secret = "x"; }},
      {"target host", true, [](R& r) { r.spec.target.host = "x"; }},
      {"source database", true, [](R& r) { r.spec.source.database = "x"; }},
      {"databases", true, [](R& r) { r.spec.databases.include = {"x"}; }},
      {"tables", true, [](R& r) { r.spec.tables.exclude = {"x.y"}; }},
      {"drop", true, [](R& r) { r.spec.snapshot.on_target_not_empty = v1alpha1::OnTargetNotEmpty::drop; }},
      {"publication", true, [](R& r) { r.spec.publication = "x"; }},
      {"lag limit", false, [](R& r) { r.spec.sync.max_lag = Seconds(9); }},
      {"refresh interval", false, [](R& r) { r.spec.sync.refresh_interval = Seconds(9); }},
      {"recopy", false,
       [](R& r) {
         r.spec.recopy = {"x", {"x.y"}};
       }},
      {"schema changes", false, [](R& r) { r.spec.sync.schema_changes = v1alpha1::SchemaChanges::stop; }},
      {"roles", true, [](R& r) { r.spec.snapshot.roles = false; }},
      {"request", true, [](R& r) { r.spec.snapshot.request_id = "x"; }},
      {"create database", true, [](R& r) { r.spec.create_database = false; }},
      {"parallelism", false, [](R& r) { r.spec.snapshot.parallelism = 9; }},
      {"timeout", false, [](R& r) { r.spec.snapshot.timeout = Seconds(9); }},
      {"stall timeout", false, [](R& r) { r.spec.snapshot.stall_timeout = Seconds(9); }},
      {"backoff", false, [](R& r) { r.spec.snapshot.backoff_limit = 9; }},
      {"ssl mode", false, [](R& r) { r.spec.source.ssl_mode = "require"; }},
      {"state", false, [](R& r) { r.spec.state = v1alpha1::State::paused; }},
      {"image", false, [](R& r) { r.spec.pod.image = "x"; }},
      {"generation", false, [](R& r) { r.generation = 9; }},
      {"verify", false, [](R& r) { r.spec.verify.request_id = "x"; }},
  };
  for (const Case& one : cases) {
    v1alpha1::Replication changed = base;
    one.change(changed);
    EXPECT_EQ(inputs_hash(changed) != inputs_hash(base), one.matters) << one.sentence;
  }
}

// --- the Job that compares both ends

Observed asked_to_verify() {
  Observed seen = scene();
  seen.object.spec.mode = v1alpha1::Mode::snapshot_and_sync;
  seen.object.spec.verify.request_id = "first";
  seen.object.spec.recopy = {"again", {"shop.public.t"}};
  seen.object.spec.snapshot.timeout = Seconds(60);
  seen.object.status.snapshot = v1alpha1::Run{.job_name = "shop-01234567-2", .attempt = 2};
  return seen;
}

Attempt verification(const Observed& seen, int number = 5,
                     v1alpha1::VerifyTrigger trigger = v1alpha1::VerifyTrigger::request) {
  return verification_for(seen, number, {.outages = 1}, trigger, 2);
}

TEST(Verification, runs_the_verb_as_safely_as_a_copy) {
  const Json job = verification(asked_to_verify()).job.json();
  const Json pod = job["spec"]["template"]["spec"];
  const Json args = pod["containers"][0]["args"];
  EXPECT_EQ(args[0], "verify");
  EXPECT_EQ(args[1], "--spec");
  EXPECT_EQ(pod["automountServiceAccountToken"], false);
  EXPECT_FALSE(pod["containers"][0].contains("env"));
  EXPECT_FALSE(job["spec"].contains("activeDeadlineSeconds")) << "the timeout is the copy's";
  EXPECT_EQ(job["spec"]["backoffLimit"], 6);
  EXPECT_EQ(job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"], Json::array({2, 3, 4, 5}));
  EXPECT_EQ(job["spec"]["template"]["metadata"]["labels"][v1alpha1::verify_label], "true");
}

TEST(Verification, goes_beside_the_engine_that_follows_and_asks_for_nothing_else) {
  const Json data = verification(asked_to_verify()).config_map.json()["data"];
  const Result<api::Spec> spec = api::spec_from_json(data["spec.json"].get<std::string>());
  ASSERT_TRUE(spec.ok()) << spec.error().what;
  EXPECT_EQ(spec->verify.request_id, "first");
  EXPECT_EQ(spec->mode, api::Mode::snapshot_and_sync);
  EXPECT_EQ(spec->replication, uid);
  EXPECT_EQ(spec->attempt, 2) << "a higher one would end the stream";
  EXPECT_EQ(spec->recopy.request_id, "");
}

TEST(Verification, is_named_after_the_object_what_asked_and_its_number) {
  Observed seen = asked_to_verify();
  const std::string name = verification(seen).name;
  EXPECT_THAT(name, ::testing::MatchesRegex("shop-[0-9a-f]+-5"));
  EXPECT_NE(verification(seen, 6).name, name);
  EXPECT_NE(verification(seen, 5, v1alpha1::VerifyTrigger::schedule).name, name);
  EXPECT_NE(attempt_for(seen, 5, {}).name, name);
  seen.object.spec.verify.request_id = "second";
  EXPECT_NE(verification(seen).name, name);
  seen = asked_to_verify();
  seen.object.uid = "another";
  EXPECT_NE(verification(seen).name, name);
}

TEST(Verification, reads_back_as_what_it_was_started_with) {
  const Job job = job_from(verification(asked_to_verify()).job);
  EXPECT_EQ(job.trigger, v1alpha1::VerifyTrigger::request);
  EXPECT_EQ(job.copy, "shop-01234567-2");
  EXPECT_EQ(job.request_id, "first");
  EXPECT_EQ(job.attempt, 5);
  EXPECT_EQ(job.outages, 1);
  EXPECT_EQ(job.rendered_hash, verification_hash(asked_to_verify()));
  EXPECT_FALSE(job_from(attempt_for(asked_to_verify(), 1, {}).job).trigger == job.trigger);
}

TEST(Hash, of_inputs_is_made_of_what_is_not_left_at_its_default) {
  v1alpha1::Replication asked = scene().object;
  asked.spec.tables.exclude = {"shop.public.sessions"};
  const Json members = {{{"op", "replace"}, {"path", "/name"}, {"value", "prod/shop"}},
                        {{"op", "replace"}, {"path", "/replication"}, {"value", uid}},
                        {{"op", "add"}, {"path", "/selection/excludeTables/-"}, {"value", "shop.public.sessions"}},
                        {{"op", "replace"}, {"path", "/source/credentialsDir"}, {"value", "/etc/tributary/source"}},
                        {{"op", "replace"}, {"path", "/target/credentialsDir"}, {"value", "/etc/tributary/target"}}};
  EXPECT_EQ(inputs_hash(asked), digest(members.dump() + "shop-source/shop-target"));
}

}  // namespace
}  // namespace tributary::replication
