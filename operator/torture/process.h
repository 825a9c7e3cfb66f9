#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "operator/kube/testing/fake_api_server.h"
#include "operator/replication/controller.h"
#include "operator/torture/standstill.h"

namespace tributary::torture {

// The operator as processes that are started again whenever they end, as its Deployment sees to it: one alone, or
// several of which one leads, put together as main.cpp does. Each incarnation is known to the server by its own
// User-Agent: one that is killed is not served any more, whatever its threads still send, and no engine hears it.
class Process {
 public:
  using Options = std::function<replication::ControllerOptions()>;

  Process(kube::ClusterConfig cluster, int replicas, Options options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void kill();  // all of them
  void stop();  // in an orderly way; others start
  // Kills the one that has made so many more writes but Events.
  void kill_after(int writes);
  // Has the leader stand still at its next change; lasts until thaw().
  void freeze();
  void thaw();

  // Whether a write that it has been told to die after has come.
  bool was_killed() const;
  bool leads() const;          // somebody does, of several
  bool is_superseded() const;  // one stands still and another leads
  int starts() const;          // so far
  // Changes by one that another had taken over from.
  int usurpations() const;

  // To be asked for each request before it is served.
  kube::testing::Misfortune judge(const kube::testing::Served& served);

 private:
  struct Incarnation;

  void run(std::stop_token stop);
  void live(int number, std::stop_token stop);
  void end(int number, bool at_once);
  void end_slowly(int number);
  void take_the_lead(int number);
  void note_writer(int number);
  Gate& gate_of(int number);
  bool is_dead(int number) const;

  const kube::ClusterConfig cluster_;
  const bool elects_;
  const Options options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  int last_ = 0;          // incarnation
  std::set<int> wanted_;  // to go on
  std::set<int> dead_;    // not served
  std::map<int, Gate> gates_;
  int leader_ = 0;
  int frozen_ = 0;
  int writer_ = 0;      // of the last change
  std::set<int> over_;  // that another one has written after
  int usurpations_ = 0;
  int writes_left_ = -1;
  std::vector<std::jthread> threads_;
};

// Whether it changes anything but Events and the lease.
bool is_write(const kube::testing::Served& served);

}  // namespace tributary::torture
