#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "operator/kube/testing/fake_api_server.h"
#include "operator/torture/clock.h"
#include "operator/torture/engines.h"

namespace tributary::torture {

// What befalls the next pod that starts.
enum class PodTrouble { none, evicted, out_of_memory, crash, outage, no_image, no_node };

// The controllers of Jobs and Deployments and the kubelet, on a thread of their own, for the pods of engines: as the
// real ones as far as an operator can tell. Server, engines and clock outlive it.
class Cluster {
 public:
  Cluster(kube::testing::FakeApiServer& server, Engines& engines, const Clock& clock, std::uint64_t seed);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // --- what goes wrong
  void trouble(std::vector<PodTrouble> next);  // of the pods to come, and the first of those that run
  void refuse_pods(bool refuses) { refuses_pods_ = refuses; }
  void expire_jobs(bool expires) { expires_jobs_ = expires; }
  int befallen() const { return befallen_; }  // how often any of that came

 private:
  struct Life {
    WallTime starts, ends;
    PodTrouble trouble = PodTrouble::none;
    std::string ip = {};
    bool begun = false;
    std::optional<WallTime> leaves = {};
  };

  void run(std::stop_token stop);
  void tend_job(const kube::Object& job);
  bool judge_job(const kube::Object& job, const std::vector<kube::Object>& pods);
  void tend_deployment(const kube::Object& deployment);
  void tend_pod(const kube::Object& pod);
  void start_pod(const kube::Object& pod, Life& life);
  void end_pod(const kube::Object& pod, Life& life);
  bool befalls(const kube::Object& pod, Life& life);
  bool restarts(const kube::Object& pod, Life& life, const kube::Json& end);
  void leave(const kube::Object& pod, Life& life);
  void create_pod(const kube::Object& owner, const std::string& owner_kind, const kube::Json& labels_of);
  void complain(const kube::Object& job);
  void set_state(const kube::Object& pod, const char* phase, const kube::Json& state, const kube::Json& more = {});
  void set_condition(const kube::Object& job, const char* type, const char* reason, std::size_t failed);
  std::vector<kube::Object> pods_of(const kube::Object& owner) const;
  WallTime in(int least, int most);  // seconds from now, at random

  kube::testing::FakeApiServer& server_;
  Engines& engines_;
  const Clock& clock_;
  std::mt19937_64 random_;
  std::atomic<bool> refuses_pods_ = false;
  std::atomic<bool> expires_jobs_ = false;
  std::atomic<int> befallen_ = 0;
  std::mutex mutex_;
  std::vector<PodTrouble> troubles_;
  std::map<std::string, Life> lives_;      // by the pod's UID
  std::map<std::string, WallTime> again_;  // when a Job's next pod may come, by the Job's UID
  int names_ = 0;
  std::vector<kube::Object> pods_;  // as they were last seen
  std::jthread thread_;
};

}  // namespace tributary::torture
