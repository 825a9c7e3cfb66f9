#include "operator/replication/controller.h"

#include <unistd.h>

#include "engine/base/log.h"
#include "operator/replication/release_key.h"

namespace tributary::replication {
namespace {

constexpr const char* controller_name = "tributary.dev/replication";

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "tributary-operator";
}

std::vector<std::unique_ptr<Scope>> open_scopes(kube::Transport& transport, std::vector<std::string> namespaces,
                                                const SecretAccess& secrets, kube::Queue& queue) {
  if (namespaces.empty()) namespaces = {""};
  std::vector<std::unique_ptr<Scope>> scopes;
  for (const std::string& space : namespaces)
    scopes.push_back(std::make_unique<Scope>(transport, space, queue, secrets));
  return scopes;
}

}  // namespace

Controller::Controller(kube::Transport& transport, ControllerOptions options)
    : options_(std::move(options)),
      client_(transport, {}, stop_.get_token()),
      listener_(options_.ask),
      releaser_(options_.tell, stop_.get_token()),
      events_(transport, controller_name, host_name()),
      scopes_(open_scopes(transport, options_.namespaces, options_.secrets, queue_)),
      reconciler_(scopes_, {client_, listener_, releaser_, options_.image, options_.clock}, events_) {}

Controller::~Controller() {
  stop();
}

// Without one Jobs give back what streams hold, as they do where an engine does not answer.
Result<void> Controller::learn_key() {
  if (options_.release_key.name.empty()) return {};
  Result<std::string> key = release_key(client_, options_.release_key);
  if (key.ok()) {
    releaser_.set_key(std::move(key).value());
    return {};
  }
  const Error& error = key.error();
  if (error.fault != Fault::missing && error.fault != Fault::denied) {
    return within("secret " + options_.release_key.text(), error);
  }
  log::warn("no engine can be ordered to release",
            {{"secret", options_.release_key.text()}, {"error", describe(error)}});
  return {};
}

Result<void> Controller::start(Deadline deadline, std::stop_token stop) {
  for (const auto& scope : scopes_) {
    if (scope->wait_synced(deadline, stop)) continue;
    const std::string place = scope->space().empty() ? "all namespaces" : "namespace " + scope->space();
    return Error{Fault::transient, "the first lists of " + place + " did not complete",
                 "check the connection to the API server, the CRD and the operator's RBAC rules"};
  }
  TRY(learn_key());
  workers_ = std::make_unique<kube::Workers>(
      "replication", queue_, [this](const kube::Key& key, std::stop_token asked) { return reconciler_(key, asked); },
      options_.workers);
  ready_ = true;
  log::info("operator is at work", {{"workers", options_.workers}});
  return {};
}

void Controller::stop() {
  ready_ = false;
  if (workers_) workers_->stop();
  stop_.request_stop();
}

}  // namespace tributary::replication
