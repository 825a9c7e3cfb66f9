#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/progress.h"
#include "operator/api/replication.h"
#include "operator/kube/client.h"
#include "operator/kube/testing/fake_api_server.h"
#include "operator/kube/transport.h"
#include "operator/replication/listen.h"

namespace tributary::replication::testing {

inline const kube::Key shop{"prod", "shop"};

// A Replication prod/shop of the mode given, which asks for no comparison, with its two Secrets in an API server of
// this process. What a cluster's own controllers, its kubelet and the engine do is done here, by hand.
class Bed {
 public:
  explicit Bed(const std::string& mode = "Snapshot");

  kube::testing::FakeApiServer server;
  const std::unique_ptr<kube::Transport> transport;
  const kube::Client client;

  // --- the Replication
  v1alpha1::Replication replication() const;  // with an empty uid when there is none
  std::string reason(const char* condition = "Ready") const;
  void change(const kube::Json& merge_patch) const;  // as kubectl patch
  void ask_to_delete() const;

  // --- its surroundings
  void put_secret(const std::string& name);
  void remove_secret(const std::string& name);
  kube::Object job() const;  // the only one, or a JSON null
  std::size_t jobs() const;
  void hold_pod();  // of the Job: its container waits
  void run_pod();
  void end_pod(int exit_code, const std::string& message);  // its engine ends
  void finish_job(const std::string& condition, const std::string& reason = "");
  void hold_job();  // deleting it takes until erase_job(), as with pods that still end
  void erase_pod();
  void erase_job();
  // --- of a stream
  kube::Object deployment() const;  // or a JSON null
  void run_stream();                // its Deployment has a pod, whose engine runs
  // The engine of that pod ended so, and is waited with before it is started again.
  void crash_stream(int exit_code, const std::string& message);
  void erase_deployment();  // with its pod
  void finish_release();    // its Job ends well
  // Pod and Job as after a snapshot that the engine says is complete.
  void succeed();

  // --- the engine
  void answer(std::optional<api::Progress> progress);  // nothing: it does not answer
  AskEngine ask_engine();
  int asked() const;

  // Every write of the operator but Events in order: "PATCH replications/status", "POST jobs".
  std::vector<std::string> writes() const;

 private:
  kube::Json pod_of_job(const kube::Json& engine_state, const std::string& phase) const;
  void put_stream_pod(const kube::Json& container);

  mutable std::mutex mutex_;
  std::optional<api::Progress> answer_;
  int asked_ = 0;
};

// Whether `condition` came true within ten seconds.
bool comes_true(const std::function<bool()>& condition);

}  // namespace tributary::replication::testing
