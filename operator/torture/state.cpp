#include "operator/torture/state.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>

#include "operator/api/names.h"
#include "operator/kube/kinds.h"
#include "operator/replication/scope.h"

namespace tributary::torture {
namespace {

using kube::Json;
using kube::Object;
namespace kinds = kube::kinds;

bool is_left_out(const std::string& key, bool without_jobs) {
  static const std::set<std::string> always = {"uid",
                                               "resourceVersion",
                                               "creationTimestamp",
                                               "deletionTimestamp",
                                               "deletionGracePeriodSeconds",
                                               "credentials",
                                               "slotUnheldSince",
                                               "scheduledSince",
                                               "time",
                                               touched,
                                               v1alpha1::credentials_annotation};
  static const std::set<std::string> of_jobs = {"attempt", "crashes", "outages", "jobName", "release"};
  return always.contains(key) || key.ends_with("Time") || (without_jobs && of_jobs.contains(key));
}

bool is_time_at(const std::string& text, std::size_t at) {
  static const std::string shape = "0000-00-00T00:00:00Z";
  if (text.size() - at < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool fits =
        shape[i] == '0' ? std::isdigit(static_cast<unsigned char>(text[at + i])) != 0 : text[at + i] == shape[i];
    if (!fits) return false;
  }
  return true;
}

// Digests are made of UIDs, and keys are drawn.
std::size_t digest_at(const std::string& text, std::size_t at) {
  constexpr std::size_t shortest = 16;
  std::size_t end = at;
  while (end < text.size() && std::isxdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  return end - at >= shortest ? end - at : 0;
}

bool is_in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
}

// "shop-0a1b2c3d-1-p7": its digest and pod go, and the number where Jobs are left out.
std::string masked_name(const std::string& name, bool without_jobs) {
  constexpr std::size_t digest_from = 5, digest_size = 8;
  if (name.size() < digest_from + digest_size) return name;
  const std::string rest = name.substr(digest_from + digest_size);
  if (rest == "-sync" || rest.starts_with("-sync-")) return "shop-HASH-sync";
  return "shop-HASH" + (without_jobs ? "" : rest.substr(0, rest.find("-p")));
}

std::string masked(const std::string& text, const std::set<std::string>& uids, bool without_jobs) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (is_time_at(text, at)) {
      out += "TIME";
      at += 20;
      continue;
    }
    if (const std::size_t digits = digest_at(text, at); digits > 0) {
      out += "DIGEST";
      at += digits;
      continue;
    }
    if (text.compare(at, 5, "shop-") == 0) {
      std::size_t end = at;
      while (end < text.size() && is_in_name(text[end])) ++end;
      out += masked_name(text.substr(at, end - at), without_jobs);
      at = end;
      continue;
    }
    const auto uid = std::find_if(uids.begin(), uids.end(),
                                  [&](const std::string& one) { return text.compare(at, one.size(), one) == 0; });
    if (uid != uids.end()) {
      out += "UID";
      at += uid->size();
      continue;
    }
    out += text[at++];
  }
  return out;
}

Json comparable(const Json& json, const std::set<std::string>& uids, bool without_jobs) {
  if (json.is_string()) return masked(json.get<std::string>(), uids, without_jobs);
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& item : json) out.push_back(comparable(item, uids, without_jobs));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [key, value] : json.items()) {
    if (!is_left_out(key, without_jobs)) out[key] = comparable(value, uids, without_jobs);
  }
  return out;
}

}  // namespace

std::string state_of(const kube::testing::FakeApiServer& server, bool without_jobs) {
  std::set<std::string> uids;
  for (const Object& object : server.all(replication::replications())) uids.insert(object.uid());
  std::vector<kube::Resource> compared{replication::replications(), kinds::deployments};
  if (!without_jobs) compared.insert(compared.end(), {kinds::jobs, kinds::config_maps});
  std::multiset<std::string> texts;
  for (const kube::Resource& resource : compared) {
    for (const Object& object : server.all(resource)) {
      Json json = object.json();
      if (resource.kind != v1alpha1::kind) json["metadata"].erase("generation");
      if (resource.kind == "Deployment") json.erase("status");
      if (without_jobs && resource.kind == "Deployment") json["metadata"].erase("annotations");
      texts.insert(comparable(json, uids, without_jobs).dump(1));
    }
  }
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

std::string difference(const std::string& wanted, const std::string& found) {
  std::istringstream left(wanted), right(found);
  std::string a, b, before;
  while (std::getline(left, a)) {
    if (!std::getline(right, b)) b = "nothing more";
    if (a != b) return "after" + before + " wanted " + a + ", found " + b;
    if (a.find("\"name\"") != a.npos || a.find("\"type\"") != a.npos || a.find("\"kind\"") != a.npos) before = a;
  }
  return std::getline(right, b) ? "more than wanted: " + right.str().substr(wanted.size(), 2000) : "";
}

namespace {

enum class Errand { other, copy, stream, release };

Errand errand_of(const Object& pod) {
  if (pod.label(v1alpha1::uid_label).empty() || !pod.label(v1alpha1::verify_label).empty()) return Errand::other;
  if (!pod.label(v1alpha1::stream_label).empty()) return Errand::stream;
  const std::string arguments = kube::at(pod.json(), {"spec"}).dump();
  return arguments.find("\"release\"") != std::string::npos ? Errand::release : Errand::copy;
}

bool is_alive(const Json& pod) {
  const std::string phase = kube::text_at(pod, {"status", "phase"});
  return pod.is_object() && phase != "Succeeded" && phase != "Failed";
}

bool is_active_copy(const Json& json) {
  const Object job(json);
  if (!json.is_object() || job.deleting() || job.label(v1alpha1::uid_label).empty()) return false;
  if (!job.annotation(v1alpha1::release_annotation).empty()) return false;
  if (!job.annotation(v1alpha1::verify_annotation).empty()) return false;
  return kube::array_at(json, {"status", "conditions"}).empty();
}

// Which objects count for one Replication after each entry; a complaint when there are two.
class Count {
 public:
  explicit Count(std::string what) : what_(std::move(what)) {}

  void note(const kube::testing::Logged& entry, bool counts, std::vector<std::string>& complaints) {
    const Object object(entry.after.is_object() ? entry.after : entry.before);
    std::set<std::string>& have = counted_[object.label(v1alpha1::uid_label)];
    if (!counts) {
      have.erase(object.uid());
    } else if (have.insert(object.uid()).second && have.size() > 1) {
      complaints.push_back("two " + what_ + " at once, the second is " + object.name());
    }
  }

 private:
  const std::string what_;
  std::map<std::string, std::set<std::string>> counted_;
};

// A status is never written over a newer one.
void check_order(const std::vector<kube::testing::Logged>& history, std::vector<std::string>& complaints) {
  for (const kube::testing::Logged& entry : history) {
    if (!entry.collection.ends_with("/replications") || Object(entry.before).uid() != Object(entry.after).uid())
      continue;
    const auto fell = [&](std::initializer_list<std::string_view> path) {
      return kube::integer_at(entry.after, path) < kube::integer_at(entry.before, path);
    };
    if (fell({"status", "observedGeneration"})) complaints.push_back("status.observedGeneration went back");
    if (fell({"status", "snapshot", "attempt"})) complaints.push_back("status.snapshot.attempt went back");
  }
}

}  // namespace

int blind_creations(const std::vector<kube::testing::Served>& served,
                    const std::vector<kube::testing::Logged>& history) {
  int count = 0;
  for (const kube::testing::Served& request : served) {
    if (request.method != kube::Method::post || !request.path.ends_with("/jobs")) continue;
    const std::string name = kube::text_at(kube::parse_json(request.body).json, {"metadata", "name"});
    bool there = false;
    for (const kube::testing::Logged& entry : history) {
      if (entry.version > request.version || !entry.collection.ends_with("/jobs")) continue;
      if (Object(entry.after.is_object() ? entry.after : entry.before).name() == name) there = entry.after.is_object();
    }
    if (there) ++count;
  }
  return count;
}

std::vector<std::string> reasons(const std::vector<kube::testing::Logged>& history) {
  std::vector<std::string> found;
  for (const kube::testing::Logged& entry : history) {
    if (!entry.collection.ends_with("/replications")) continue;
    for (const Json& condition : kube::array_at(entry.after, {"status", "conditions"})) {
      if (kube::text_at(condition, {"type"}) != "Ready") continue;
      const std::string now = kube::text_at(condition, {"status"}) + " " + kube::text_at(condition, {"reason"});
      if (found.empty() || found.back() != now) found.push_back(now);
    }
  }
  return found;
}

std::vector<std::string> violations(const std::vector<kube::testing::Logged>& history,
                                    const std::vector<std::string>& calm, int more) {
  std::vector<std::string> complaints;
  Count writers("engines that copy or follow"), releases("engines that release"), copies("active Jobs of a snapshot");
  for (const kube::testing::Logged& entry : history) {
    if (entry.collection.ends_with("/pods")) {
      const Errand errand = errand_of(Object(entry.after.is_object() ? entry.after : entry.before));
      const bool lives = is_alive(entry.after);
      writers.note(entry, lives && (errand == Errand::copy || errand == Errand::stream), complaints);
      releases.note(entry, lives && errand == Errand::release, complaints);
    } else if (entry.collection.ends_with("/jobs")) {
      copies.note(entry, is_active_copy(entry.after), complaints);
    }
  }
  check_order(history, complaints);
  const std::vector<std::string> told = reasons(history);
  std::map<std::string, int> times;
  for (const std::string& one : told) ++times[one];
  for (const auto& [reason, count] : times) {
    if (count > more + std::count(calm.begin(), calm.end(), reason))
      complaints.push_back("Ready was " + reason + " " + std::to_string(count) + " times");
  }
  return complaints;
}

}  // namespace tributary::torture
