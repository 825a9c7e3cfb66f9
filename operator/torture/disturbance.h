#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "operator/torture/cluster.h"
#include "operator/torture/credentials.h"
#include "operator/torture/fault.h"
#include "operator/torture/process.h"

namespace tributary::torture {

// The namespace and the name of the Replication of every trial.
inline const kube::Key shop{"prod", "shop"};

// One fault while it lasts. Everything outlives it. judge() is called by the server's threads, the rest by one.
class Disturbance {
 public:
  struct Surroundings {
    kube::testing::FakeApiServer& server;
    Cluster& cluster;
    Engines& engines;
    Process& process;
    Clock& clock;  // of the operator
    Credentials& credentials;
  };

  Disturbance(FaultKind fault, Moment moment, std::uint64_t seed, Surroundings around);

  void begin();
  void go_on();  // again and again until lift()
  void lift();   // from here on everything is well
  kube::testing::Misfortune judge(const kube::testing::Served& served);

  // How long it lasts beyond the usual, by our clock.
  Seconds lasts_longer() const;
  // Whether something has come of it: a request was met, an object was touched, something happened unseen.
  bool came() const { return came_; }

 private:
  kube::testing::Misfortune judge_write(const kube::testing::Served& served);
  kube::testing::Misfortune judge_read(const kube::testing::Served& served);
  Milliseconds too_long() { return Milliseconds(draw(1100, 1500)); }  // for whoever waits for an answer
  bool once(const std::string& what) { return met_.insert(what).second; }
  std::uint64_t random();
  bool chance(int percent) { return random() % 100 < static_cast<std::uint64_t>(percent); }
  int draw(int least, int most) {
    return least + static_cast<int>(random() % static_cast<std::uint64_t>(most - least + 1));
  }

  void pick();
  void begin_process_fault();
  void begin_watch_fault();
  void begin_cluster_fault();
  void disturb_watches();
  void disturb_cluster();
  void disturb_process();
  void start_with_stale_lists();
  void take_note(const kube::testing::Served& served);
  bool was_missed() const;
  bool was_refused_the_token() const;
  bool has_come();
  void compact_away();
  void make_noise(int events);
  void replace_secret();
  void delete_a_child();
  void hold_children();
  void let_children_go();
  void end_namespace();

  const FaultKind fault_;
  const Moment moment_;
  const Surroundings around_;
  std::mutex mutex_;  // guards what judge() looks at
  std::mutex random_mutex_;
  std::mt19937_64 random_;
  bool active_ = false;
  std::set<std::string> met_;
  std::string picked_;  // a kind
  kube::Method method_ = kube::Method::get;
  std::uint64_t version_ = 0;  // of older lists
  std::uint64_t oldest_ = 0;
  int left_ = 0;
  bool worse_ = false;  // of two ways in which it may come
  std::atomic<bool> came_ = false;
  std::atomic<int> reopened_ = 0;  // watches and lists that were asked for meanwhile
  // At its beginning.
  std::size_t served_ = 0, happened_ = 0, streams_ = 0;
  int befallen_ = 0, muted_ = 0, starts_ = 0;
};

}  // namespace tributary::torture
