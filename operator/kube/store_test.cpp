#include "operator/kube/store.h"

#include <malloc.h>

#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::kube {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

Object thing(const std::string& name, const std::string& version, const std::string& owner = "",
             const std::string& secret = "", const std::string& uid = "") {
  Json json = {
      {"metadata",
       {{"namespace", "ns"}, {"name", name}, {"uid", uid.empty() ? "uid-" + name : uid}, {"resourceVersion", version}}},
      {"spec", {{"secret", secret}}}};
  if (!owner.empty()) json["metadata"]["labels"] = {{"owner", owner}};
  return Object(json);
}

std::vector<std::string> names(const std::vector<Seen>& objects) {
  std::vector<std::string> names;
  for (const Seen& object : objects) names.push_back(object->name());
  return names;
}

Store::Content content(const std::vector<Object>& objects) {
  Store::Content content;
  for (const Object& object : objects) content.emplace(object.key(), Packed(object));
  return content;
}

// "+a" arrived, "~a" changed, "-a" departed.
std::vector<std::string> signs(const std::vector<Change>& changes) {
  std::vector<std::string> signs;
  for (const Change& change : changes) {
    EXPECT_EQ(change.key, change.state.object().key());
    signs.push_back(std::string(1, "+~-"[static_cast<int>(change.kind)]) + change.key.name);
  }
  return signs;
}

std::vector<std::string> names_of(const Store& store) {
  std::vector<std::string> names;
  store.each([&](const Object& object) { names.push_back(object.name()); });
  return names;
}

Store::IndexNames by_owner_and_secret() {
  return [](const Object& object) {
    return std::vector<std::string>{object.label("owner"), text_at(object.json(), {"spec", "secret"})};
  };
}

TEST(Store, a_put_is_an_arrival_first_and_a_change_then) {
  Store store;
  EXPECT_THAT(signs({store.put(thing("a", "1"))}), ElementsAre("+a"));
  const Change change = store.put(thing("a", "2"));
  EXPECT_THAT(signs({change}), ElementsAre("~a"));
  EXPECT_EQ(change.state.object().resource_version(), "2");
  EXPECT_EQ(store.find({"ns", "a"})->resource_version(), "2");
  EXPECT_EQ(store.find({"other", "a"}), nullptr);
}

TEST(Store, a_removal_delivers_the_last_state_seen_and_an_unknown_key_nothing) {
  Store store;
  store.put(thing("a", "1"));
  const std::vector<Change> gone = store.remove({"ns", "a"});
  EXPECT_THAT(signs(gone), ElementsAre("-a"));
  EXPECT_EQ(gone[0].state.object().json(), thing("a", "1").json());
  EXPECT_TRUE(store.remove({"ns", "a"}).empty());
  EXPECT_EQ(store.size(), 0U);
}

TEST(Store, a_replacement_delivers_what_went_what_changed_and_what_came) {
  Store store;
  for (const char* name : {"gone", "same", "changed"}) store.put(thing(name, "1"));
  EXPECT_THAT(signs(store.replace(content({thing("same", "1"), thing("changed", "2"), thing("new", "3")}))),
              UnorderedElementsAre("-gone", "~changed", "+new"));
  EXPECT_THAT(names_of(store), UnorderedElementsAre("same", "changed", "new"));
  EXPECT_THAT(store.keys(), UnorderedElementsAre(Key{"ns", "same"}, Key{"ns", "changed"}, Key{"ns", "new"}));
}

TEST(Store, a_recreated_object_of_the_same_name_is_a_change) {
  Store store;
  store.put(thing("a", "1", "", "", "first"));
  EXPECT_THAT(signs(store.replace(content({thing("a", "1", "", "", "second")}))), ElementsAre("~a"));
}

TEST(Store, the_indexes_follow_every_change) {
  Store store(by_owner_and_secret());
  store.put(thing("a", "1", "owner1", "s1"));
  store.put(thing("b", "1", "owner1", "s2"));
  EXPECT_THAT(names(store.indexed("owner1")), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(names(store.indexed("s1")), ElementsAre("a"));
  store.put(thing("a", "2", "owner2", "s2"));
  EXPECT_THAT(names(store.indexed("owner1")), ElementsAre("b"));
  EXPECT_THAT(names(store.indexed("s2")), ElementsAre("a", "b"));
  EXPECT_THAT(store.indexed_keys("s2"), ElementsAre(Key{"ns", "a"}, Key{"ns", "b"}));
  EXPECT_TRUE(store.indexed("s1").empty());
  store.remove({"ns", "b"});
  EXPECT_THAT(names(store.indexed("s2")), ElementsAre("a"));
  store.replace({});
  EXPECT_TRUE(store.indexed("owner2").empty());
  EXPECT_TRUE(store.indexed("s2").empty());
}

TEST(Store, waiting_for_the_first_list_ends_with_it_with_the_deadline_or_with_a_stop) {
  Store store;
  EXPECT_FALSE(store.wait_synced(Deadline::after(Milliseconds(1)), {}));
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_FALSE(store.wait_synced(Deadline::never(), stopped.get_token()));
  std::jthread other([&] { store.mark_synced(); });
  EXPECT_TRUE(store.wait_synced(Deadline::never(), {}));
  EXPECT_TRUE(store.synced());
}

TEST(Store, readers_never_see_half_of_a_replacement) {
  Store store;
  const auto generation = [](const std::string& version) {
    std::vector<Object> objects;
    for (int i = 0; i < 20; ++i) objects.push_back(thing(std::to_string(i), version));
    return content(objects);
  };
  store.replace(generation("0"));
  std::jthread writer([&](std::stop_token stop) {
    for (int i = 1; !stop.stop_requested(); ++i) store.replace(generation(std::to_string(i)));
  });
  for (int round = 0; round < 200; ++round) {
    std::multiset<std::string> versions;
    store.each([&](const Object& object) { versions.insert(object.resource_version()); });
    ASSERT_EQ(versions.size(), 20U);
    ASSERT_EQ(versions.count(*versions.begin()), 20U);
  }
}

// What one object takes beside its own bytes, in what the C library has given out. A sanitizer's allocator counts
// nothing here.
TEST(Store, costs_little_more_than_the_bytes_of_its_objects) {
  constexpr std::size_t objects = 2'000;
  const auto taken = [] {
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
  };
  const auto one = [](std::size_t i) {
    const std::string name = "c" + std::to_string(10'000 + i);
    return thing(name, "1", "11111111-2222-3333-4444-5555555" + name, "copies/" + name + "-source");
  };
  Store store(by_owner_and_secret());
  store.put(one(objects));
  const std::size_t before = taken();
  for (std::size_t i = 0; i < objects; ++i) store.put(one(i));
  const std::size_t each = (taken() - before) / objects;
  EXPECT_LE(each, Packed(one(0)).size() + 500);
}

}  // namespace
}  // namespace tributary::kube
