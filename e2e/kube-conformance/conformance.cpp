#include <cstdlib>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/base/pause.h"
#include "operator/kube/kinds.h"
#include "operator/kube/request.h"
#include "operator/kube/testing/fake_api_server.h"
#include "operator/kube/transport.h"

// The same conversation with the API server of the tests and with a real one ($KUBECONFIG, namespace $NAMESPACE, which
// is empty, kind Thing of things.yaml): what differs but times, versions and UIDs is a lie of the tests.
namespace tributary::kube {
namespace {

const Resource things{"example.tributary.dev", "v1", "Thing", "things"};
constexpr const char* manager = "conformance";

struct Exchange {
  std::string what;
  int status = 0;
  Json body;
};

// Without what no two servers have in common.
Json comparable(const Json& json) {
  static const std::vector<std::string> own = {"uid",
                                               "resourceVersion",
                                               "creationTimestamp",
                                               "selfLink",
                                               "deletionTimestamp",
                                               "deletionGracePeriodSeconds",
                                               "managedFields",
                                               "message",
                                               "details",
                                               "remainingItemCount"};
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& item : json) out.push_back(comparable(item));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [name, value] : json.items()) {
    if (std::find(own.begin(), own.end(), name) != own.end()) continue;
    Json inner = comparable(value);
    if (name == "metadata" && inner.empty()) continue;
    if (name == "continue") {
      if (value == "") continue;
      inner = "more";
    }
    out[name] = std::move(inner);
  }
  return out;
}

class Conversation {
 public:
  Conversation(Transport& transport, std::string space) : transport_(transport), space_(std::move(space)) {}

  std::vector<Exchange> hold();

 private:
  Json say(const std::string& what, const Request& request) {
    const Response response = transport_.send(request, Deadline::after(Seconds(20)), {}).value();
    Json body = parse_json(response.body).json;
    heard_.push_back({what, response.status, comparable(body)});
    return body;
  }
  Object thing(const char* name, const char* spec = "{}") const {
    return Object(Json{{"apiVersion", things.api_version()},
                       {"kind", "Thing"},
                       {"metadata", {{"name", name}, {"namespace", space_}, {"labels", {{"name", name}}}}},
                       {"spec", Json::parse(spec)}});
  }
  Key key(const char* name) const { return {space_, name}; }

  void create_and_read();
  void replace();
  void patch_and_apply();
  void status_apart();
  void lists();
  void unknown_fields();
  void deletion();
  void garbage();
  void watch_changes();
  void watch_from_the_beginning();

  Object config_map(const char* name, const Json& owner = {}) const;
  // Asks until the answer is as it is to be, for as long as a garbage collector may take.
  Json await(const Request& request, const std::function<bool(int status, const Json& body)>& is_right);

  Transport& transport_;
  const std::string space_;
  std::vector<Exchange> heard_;
};

void Conversation::create_and_read() {
  say("create", create(things, thing("a", R"({"size":1})")));
  say("create again", create(things, thing("a")));
  say("get", get(things, key("a")));
  say("get what is not there", get(things, key("nobody")));
  Request text = create(things, thing("b"));
  text.body = "{";
  say("create from no JSON", text);
  Object versioned = thing("b");
  versioned.json()["metadata"]["resourceVersion"] = "7";
  say("create with a version", create(things, versioned));
  say("a kind that is not served", get({"example.tributary.dev", "v1", "Nothing", "nothings"}, key("a")));
}

void Conversation::replace() {
  Object whole(say("get to replace", get(things, key("a"))));
  whole.json()["spec"]["size"] = 8;
  say("replace", update(things, whole));
  say("replace an old version", update(things, whole));
}

void Conversation::patch_and_apply() {
  say("merge patch", merge_patch(things, key("a"), Json::parse(R"({"spec":{"size":2}})"), manager));
  say("merge patch that changes nothing",
      merge_patch(things, key("a"), Json::parse(R"({"spec":{"size":2}})"), manager));
  say("merge patch with an old version",
      merge_patch(things, key("a"), Json::parse(R"({"metadata":{"resourceVersion":"1"},"spec":{"size":3}})"), manager));
  say("merge patch of what is not there", merge_patch(things, key("nobody"), Json::object(), manager));
  say("json patch",
      json_patch(things, key("a"), Json::parse(R"([{"op":"replace","path":"/spec/size","value":4}])"), manager));
  say("json patch whose test fails",
      json_patch(things, key("a"), Json::parse(R"([{"op":"test","path":"/spec/size","value":5}])"), manager));
  say("apply creates", apply(things, thing("applied", R"({"mine":1,"mine too":{"x":1}})"), manager));
  say("somebody else adds", merge_patch(things, key("applied"), Json::parse(R"({"spec":{"theirs":1}})"), "somebody"));
  say("apply takes back", apply(things, thing("applied", R"({"mine":2})"), manager));
  say("apply changes nothing", apply(things, thing("applied", R"({"mine":2})"), manager));
  Object old = thing("applied", R"({"mine":3})");
  old.json()["metadata"]["resourceVersion"] = "1";
  say("apply with an old version", apply(things, old, manager));
}

void Conversation::status_apart() {
  const Json status = Json::parse(R"({"spec":{"size":9},"status":{"phase":"x"}})");
  say("status by the main resource",
      merge_patch(things, key("a"), Json::parse(R"({"status":{"phase":"no"}})"), manager));
  say("status", merge_patch(things, key("a"), status, manager, Subresource::status));
  Object intent = thing("a");
  intent.json().erase("spec");
  intent.json()["metadata"].erase("labels");
  intent.json()["status"] = {{"phase", "y"}, {"progress", "1%"}};
  say("status applied", apply(things, intent, manager, Subresource::status));
  intent.json()["status"] = {{"phase", "z"}};
  say("status applied with less", apply(things, intent, manager, Subresource::status));
  intent.json()["metadata"]["resourceVersion"] = "1";
  say("status applied by an old look", apply(things, intent, manager, Subresource::status));
  intent.json()["metadata"]["name"] = "nobody";
  intent.json()["metadata"].erase("resourceVersion");
  say("status of what is not there", apply(things, intent, manager, Subresource::status));
}

void Conversation::lists() {
  const Json page = say("list a page", list(things, {.space = space_}, {.limit = 1}));
  say("create between pages", create(things, thing("b-between")));
  say("list the next",
      list(things, {.space = space_}, {.limit = 0, .continue_token = text_at(page, {"metadata", "continue"})}));
  say("delete what came between pages", remove(things, key("b-between"), {}));
  Request future = list(things, {.space = space_}, {.limit = 0});
  future.path += (future.path.find('?') == std::string::npos ? "?" : "&");
  future.path += "resourceVersion=999999999999";
  say("list a version that is too large", future);
  say("list by label", list(things, {.space = space_, .labels = "name in (applied,b)"}, {}));
  say("list by no label", list(things, {.space = space_, .labels = "!name"}, {}));
  say("list by name", list(things, {.space = space_, .fields = "metadata.name=a"}, {}));
  say("list metadata", list(things, {.space = space_, .detail = Detail::metadata}, {}));
}

void Conversation::deletion() {
  const Object a(say("get for a finalizer", get(things, key("a"))));
  const Object held(say("finalizer", merge_patch(things, key("a"), add_finalizer(a, "tributary.dev/test"), manager)));
  say("finalizer by an old look", merge_patch(things, key("a"), add_finalizer(a, "tributary.dev/other"), manager));
  say("delete another incarnation", remove(things, key("a"), {.uid = "00000000-0000-0000-0000-000000000000"}));
  say("delete", remove(things, key("a"), {}));
  const Object deleting(say("delete again", remove(things, key("a"), {})));
  say("one more finalizer", merge_patch(things, key("a"), add_finalizer(deleting, "tributary.dev/other"), manager));
  say("let go", merge_patch(things, key("a"), remove_finalizer(deleting, "tributary.dev/test"), manager));
  say("gone", get(things, key("a")));
  say("delete what is gone", remove(things, key("a"), {}));
}

void Conversation::unknown_fields() {
  say("create with what the schema does not know",
      create(things, thing("pruned", R"({"strict":{"known":"x","unknown":"y"},"free":{"any":1}})")));
  say("patch with what the schema does not know",
      merge_patch(things, key("pruned"), Json::parse(R"({"spec":{"strict":{"other":"z"}}})"), manager));
  say("delete what was pruned", remove(things, key("pruned"), {}));
}

Object Conversation::config_map(const char* name, const Json& owner) const {
  Json json = {{"apiVersion", "v1"},
               {"kind", "ConfigMap"},
               {"metadata", {{"name", name}, {"namespace", space_}}},
               {"data", {{"of", name}}}};
  if (owner.is_object()) json["metadata"]["ownerReferences"] = Json::array({controller_reference(Object(owner))});
  return Object(std::move(json));
}

Json Conversation::await(const Request& request, const std::function<bool(int, const Json&)>& is_right) {
  const Deadline deadline = Deadline::after(Seconds(60));
  while (true) {
    const Response response = transport_.send(request, Deadline::after(Seconds(20)), {}).value();
    Json body = parse_json(response.body).json;
    if (is_right(response.status, body) || deadline.passed()) return body;
    pause_for(Milliseconds(50), {});
  }
}

void Conversation::garbage() {
  using kinds::config_maps;
  const auto is_gone = [](int status, const Json&) { return status == 404; };
  const Json owner = say("create an owner", create(config_maps, config_map("owner")));
  Object held = config_map("held", owner);
  held.json()["metadata"]["finalizers"] = {"tributary.dev/test"};
  say("create a dependent that is held", create(config_maps, held));
  say("delete in the foreground", remove(config_maps, key("owner"), {.propagation = Propagation::foreground}));
  const Json going =
      await(get(config_maps, key("held")), [](int, const Json& body) { return Object(body).deleting(); });
  say("a dependent that goes", get(config_maps, key("held")));
  say("its owner, which waits", get(config_maps, key("owner")));
  await(merge_patch(config_maps, key("held"), remove_finalizer(Object(going), "tributary.dev/test"), manager),
        [](int status, const Json&) { return status == 200 || status == 404; });
  await(get(config_maps, key("owner")), is_gone);
  say("an owner that has waited", get(config_maps, key("owner")));

  const Json second = say("create a second owner", create(config_maps, config_map("owner")));
  say("create its dependent", create(config_maps, config_map("dependent", second)));
  say("delete in the background", remove(config_maps, key("owner"), {}));
  await(get(config_maps, key("dependent")), is_gone);
  say("a dependent that has gone", get(config_maps, key("dependent")));

  const Json third = say("create a third owner", create(config_maps, config_map("owner")));
  say("create a dependent that stays", create(config_maps, config_map("orphan", third)));
  say("delete and leave orphans", remove(config_maps, key("owner"), {.propagation = Propagation::orphan}));
  await(get(config_maps, key("owner")), is_gone);
  say("an orphan", get(config_maps, key("orphan")));
  say("delete the orphan", remove(config_maps, key("orphan"), {}));
}

void Conversation::watch_from_the_beginning() {
  say("create for a watch", create(things, thing("first")));
  const Opened opened = transport_.open(watch(things, {.space = space_, .labels = "name=first"}, {}), {}, {}).value();
  ASSERT_EQ(opened.head.status, 200);
  const auto line = opened.lines->next({}).value();
  heard_.push_back({"event of what was there", 200, line ? comparable(parse_json(*line).json) : Json()});
}

void Conversation::watch_changes() {
  const Json now = say("list before a watch", list(things, {.space = space_}, {}));
  const WatchFrom from{.resource_version = text_at(now, {"metadata", "resourceVersion"})};
  const Opened opened =
      transport_.open(watch(things, {.space = space_, .labels = "name=applied"}, from), {}, {}).value();
  ASSERT_EQ(opened.head.status, 200);
  say("create beside", create(things, thing("beside")));
  say("change", merge_patch(things, key("applied"), Json::parse(R"({"spec":{"mine":7}})"), manager));
  say("leave the selection",
      merge_patch(things, key("applied"), Json::parse(R"({"metadata":{"labels":{"name":"other"}}})"), manager));
  say("come back",
      merge_patch(things, key("applied"), Json::parse(R"({"metadata":{"labels":{"name":"applied"}}})"), manager));
  say("delete watched", remove(things, key("applied"), {}));
  for (const char* what :
       {"event of the change", "event of leaving", "event of coming back", "event of the deletion"}) {
    const auto line = opened.lines->next({}).value();
    heard_.push_back({what, 200, line ? comparable(parse_json(*line).json) : Json()});
  }
}

std::vector<Exchange> Conversation::hold() {
  create_and_read();
  replace();
  patch_and_apply();
  status_apart();
  lists();
  unknown_fields();
  deletion();
  garbage();
  watch_changes();
  watch_from_the_beginning();
  return std::move(heard_);
}

// As things.yaml has it.
Json schema() {
  return Json::parse(R"({"type": "object", "properties": {
    "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
      "strict": {"type": "object", "properties": {"known": {"type": "string"}}}}},
    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}})");
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

TEST(FakeApiServer, answers_as_a_real_one_does) {
  const std::string space = environment("NAMESPACE").value();
  const auto real = open_rest_transport(find_config(environment, "", "").value());
  testing::FakeApiServer server({.as_cluster = true});
  server.serve(things, true, schema());
  const auto fake = open_rest_transport(server.config());
  const std::vector<Exchange> truth = Conversation(*real, space).hold();
  const std::vector<Exchange> ours = Conversation(*fake, space).hold();
  ASSERT_EQ(truth.size(), ours.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_EQ(truth[i].status, ours[i].status) << truth[i].what;
    EXPECT_EQ(truth[i].body, ours[i].body)
        << truth[i].what << "\nreal: " << truth[i].body << "\nfake: " << ours[i].body;
  }
}

}  // namespace
}  // namespace tributary::kube
