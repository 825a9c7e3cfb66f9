#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "operator/api/names.h"
#include "operator/api/replication.h"
#include "operator/api/testing/crd_schema.h"
#include "operator/api/validate.h"

namespace tributary::v1alpha1 {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

const std::string root = TRIBUTARY_ROOT;

std::vector<json> sample_replications() {
  std::vector<json> found;
  for (const auto& file : std::filesystem::directory_iterator(root + "/config/samples")) {
    for (const json& document : testing::read_yaml(file.path().string())) {
      if (document["kind"] == kind) found.push_back(document);
    }
  }
  return found;
}

// Calls `visit(path, schema)` for the schema and everything below it.
template <class F>
void walk(const json& schema, const std::string& path, const F& visit) {
  visit(path, schema);
  const json properties = schema.value("properties", json::object());
  for (const auto& [name, inner] : properties.items()) {
    walk(inner, path + "." + name, visit);
  }
  if (schema.contains("items")) walk(schema["items"], path + "[]", visit);
  if (schema.contains("additionalProperties")) walk(schema["additionalProperties"], path + "{}", visit);
}

TEST(Crd, carries_the_names_that_the_code_uses) {
  const json crd = testing::crd();
  EXPECT_EQ(crd["spec"]["group"], group);
  EXPECT_EQ(crd["spec"]["names"]["kind"], kind);
  EXPECT_EQ(crd["spec"]["names"]["plural"], plural);
  EXPECT_EQ(crd["metadata"]["name"], std::string(plural) + "." + group);
  EXPECT_EQ(crd["spec"]["versions"].size(), 1U);
  EXPECT_EQ(crd["spec"]["versions"][0]["name"], version);
  EXPECT_TRUE(crd["spec"]["versions"][0]["subresources"].contains("status"));
}

TEST(Crd, is_small_enough_for_a_plain_apply) {
  EXPECT_LE(std::filesystem::file_size(root + "/crds/replications.tributary.dev.yaml"), 100'000U);
}

TEST(Crd, describes_every_field) {
  walk(testing::crd_schema(), "", [](const std::string& path, const json& schema) {
    const bool outer = path == ".apiVersion" || path == ".kind" || path == ".metadata";
    if (!outer && !path.ends_with("[]") && !path.ends_with("{}")) {
      EXPECT_TRUE(schema.contains("description")) << path;
    }
  });
}

TEST(Crd, bounds_every_text_list_and_map) {
  walk(testing::crd_schema(), "", [](const std::string& path, const json& schema) {
    if (path == ".apiVersion" || path == ".kind" || path.empty()) return;
    const std::string type = schema.value("type", "");
    if (type == "string") {
      EXPECT_TRUE(schema.contains("maxLength") || schema.contains("enum") || schema.contains("format")) << path;
    }
    if (type == "array") {
      EXPECT_TRUE(schema.contains("maxItems")) << path;
      EXPECT_TRUE(schema.contains("x-kubernetes-list-type")) << path;
    }
    if (schema.contains("additionalProperties")) {
      EXPECT_TRUE(schema.contains("maxProperties")) << path;
    }
  });
}

TEST(Crd, defaults_nothing_but_stable_words) {
  std::set<std::string> defaulted;
  walk(testing::crd_schema(), "", [&](const std::string& path, const json& schema) {
    if (schema.contains("default")) defaulted.insert(path);
  });
  EXPECT_EQ(defaulted, (std::set<std::string>{".spec.state", ".spec.source.type", ".status"}));
}

// Or begins_untouched() would take no object for a new one, and a status of nobody's would stand in its place.
TEST(Crd, a_new_object_has_a_status_that_the_code_takes_for_none_and_that_no_object_has_later) {
  const json status = testing::crd_schema()["properties"]["status"]["default"];
  EXPECT_EQ(replication_from_json({{"status", status}}).status, Status{});
  EXPECT_LT(status["observedGeneration"].get<int>(), 1) << "the generation of an object begins at 1";
  EXPECT_EQ(status.size(), 1U);
}

TEST(Samples, are_what_the_schema_allows_and_the_code_understands) {
  const std::vector<json> samples = sample_replications();
  EXPECT_GE(samples.size(), 3U);
  for (json sample : samples) {
    SCOPED_TRACE(sample["metadata"]["name"]);
    EXPECT_THAT(testing::violations(testing::crd_schema(), sample), IsEmpty());
    const Replication replication = replication_from_json(sample);
    EXPECT_FALSE(flaw_of(replication)) << flaw_of(replication)->what;
  }
}

// Each leaf of the fullest sample is given a wrong type in turn: if nobody complains, nobody reads it.
TEST(Samples, have_no_field_that_the_code_does_not_read) {
  json sample;
  for (const json& candidate : sample_replications()) {
    if (candidate["metadata"]["name"] == "everything") sample = candidate;
  }
  ASSERT_TRUE(sample.is_object());
  const json leaves = sample["spec"].flatten();
  for (const auto& [pointer, value] : leaves.items()) {
    if (pointer.starts_with("/template/resources") || pointer.starts_with("/template/nodeSelector") ||
        pointer.starts_with("/template/tolerations")) {
      continue;  // passed on as they are: resources_test.cpp
    }
    json wrong = sample;
    wrong["spec"][json::json_pointer(pointer)] = 1.5;
    EXPECT_TRUE(replication_from_json(wrong).flaw) << pointer;
  }
}

TEST(Crd, every_field_of_the_spec_is_in_the_fullest_sample) {
  json sample;
  for (const json& candidate : sample_replications()) {
    if (candidate["metadata"]["name"] == "everything") sample = candidate;
  }
  // Of include and exclude one is enough, and these name objects of the user's own.
  const std::set<std::string> left_out = {"/databases/exclude",
                                          "/tables/include",
                                          "/template/image",
                                          "/template/imagePullSecrets",
                                          "/template/serviceAccountName",
                                          "/template/priorityClassName",
                                          "/template/affinity",
                                          "/target/host",
                                          "/target/port",
                                          "/target/database"};
  const json fields = testing::crd_schema()["properties"]["spec"]["properties"];
  for (const auto& [name, schema] : fields.items()) {
    const json::json_pointer outer("/" + name);
    const json inner_fields = schema.value("properties", json::object());
    ASSERT_TRUE(sample["spec"].contains(outer)) << name;
    for (const auto& [inner, ignored] : inner_fields.items()) {
      const json::json_pointer pointer = outer / inner;
      if (!left_out.contains(pointer.to_string())) {
        EXPECT_TRUE(sample["spec"].contains(pointer)) << pointer.to_string();
      }
    }
  }
}

}  // namespace
}  // namespace tributary::v1alpha1
