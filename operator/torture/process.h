#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "operator/kube/testing/fake_api_server.h"
#include "operator/replication/controller.h"

namespace tributary::torture {

// The operator as a process that is started again whenever it ends, as its Deployment sees to it. Each incarnation is
// known to the server by its own User-Agent: one that is killed is not served any more, whatever its threads still
// send. Server and options outlive it.
class Process {
 public:
  using Options = std::function<replication::ControllerOptions()>;

  Process(kube::testing::FakeApiServer& server, std::string token_file, Options options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void kill();
  void stop();  // in an orderly way; another one starts
  // Kills it when it has made so many more writes but Events.
  void kill_after(int writes);
  // Whether a write that it has been told to die after has come.
  bool was_killed() const;

  // To be asked for each request before it is served.
  kube::testing::Misfortune judge(const kube::testing::Served& served);

 private:
  void run(std::stop_token stop);
  void live(int incarnation, std::stop_token stop);
  bool is_wanted(int incarnation) const;

  kube::testing::FakeApiServer& server_;
  const std::string token_file_;
  const Options options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  int incarnation_ = 1;
  int dead_below_ = 0;  // incarnations that are not served
  int writes_left_ = -1;
  std::jthread thread_;
};

// Whether it changes anything but Events.
bool is_write(const kube::testing::Served& served);

}  // namespace tributary::torture
