#include "operator/replication/controller.h"

#include <algorithm>
#include <thread>

#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "operator/api/duration.h"
#include "operator/kube/process.h"
#include "operator/replication/metrics.h"
#include "operator/replication/release_key.h"

namespace tributary::replication {
namespace {

constexpr const char* controller_name = "tributary.dev/replication";
// A pass makes about a dozen requests, none of which takes longer than 30 s but for those few that are repeated, and it
// ends with the first that fails. Ten minutes are no slow API server any more.
constexpr Seconds longest_pass{600};

constexpr Seconds end_of_patience{17};
constexpr Seconds last_events{3};

std::vector<std::unique_ptr<Scope>> open_scopes(kube::Transport& transport, std::vector<std::string> namespaces,
                                                const SecretAccess& secrets, kube::Queue& queue,
                                                const kube::WatchOptions& manner) {
  if (namespaces.empty()) namespaces = {""};
  std::vector<std::unique_ptr<Scope>> scopes;
  for (const std::string& space : namespaces)
    scopes.push_back(std::make_unique<Scope>(transport, space, queue, secrets, manner));
  return scopes;
}

std::string place_of(const Scope& scope) {
  return scope.space().empty() ? "all namespaces" : "namespace " + scope.space();
}

std::string account_of(const Scope& scope, const kube::Watch& watch) {
  const kube::WatchHealth health = watch.health();
  const auto since = std::chrono::duration_cast<Seconds>(SteadyClock::now() - health.begun);
  const std::string& fields = watch.options().selection.fields;
  return watch.options().resource.plural + " of " + place_of(scope) + (fields.empty() ? "" : " with " + fields) +
         " are not listed yet, for " + v1alpha1::duration_text(since) +
         (health.trouble ? ": " + *health.trouble : ": no answer so far");
}

}  // namespace

Controller::Controller(kube::Transport& transport, ControllerOptions options)
    : options_(std::move(options)),
      transport_(transport),
      queue_(options_.retries, *options_.meter, false),
      client_(transport, options_.client, stop_.get_token()),
      listener_(options_.ask),
      releaser_(options_.fence == nullptr ? options_.tell : fenced(*options_.fence, options_.tell), stop_.get_token()),
      refusals_(client_),
      events_(transport, controller_name, kube::host_name()),
      scopes_(open_scopes(transport, options_.namespaces, options_.secrets, queue_, options_.watches)),
      reconciler_(scopes_, {client_, listener_, releaser_, refusals_, options_.image, options_.clock}, events_) {}

Controller::~Controller() {
  stop();
}

// Without one Jobs give back what streams hold, as they do where an engine does not answer.
Result<void> Controller::learn_key(std::stop_token stop) {
  if (options_.release_key.name.empty()) return {};
  const kube::Client client(transport_, options_.client, std::move(stop));
  Result<std::string> key = release_key(client, options_.release_key);
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

// What is due by the clock is waited for by the machine's.
Result<kube::Requeue> Controller::reconcile(const kube::Key& key, std::stop_token stop) const {
  kube::Requeue next = TRY(reconciler_(key, std::move(stop)));
  if (next.after) *next.after /= options_.haste;
  return next;
}

Result<void> Controller::fill(Deadline deadline, std::stop_token stop) {
  for (const auto& scope : scopes_) {
    if (scope->wait_synced(deadline, stop)) continue;
    return Error{Fault::transient, "the first lists of " + place_of(*scope) + " did not complete",
                 "check the connection to the API server, the CRD and the operator's RBAC rules"};
  }
  ready_ = true;
  return {};
}

// A change that comes meanwhile is in the caches already, or is queued by its watch.
void Controller::queue_everything() {
  queue_.open();
  for (const auto& scope : scopes_) {
    for (const kube::Key& key : scope->objects().keys()) queue_.add(key, kube::Priority::initial);
  }
}

Result<void> Controller::work(std::stop_token stop) {
  TRY(learn_key(std::move(stop)));
  queue_everything();
  workers_ = std::make_unique<kube::Workers>(
      "replication", queue_, [this](const kube::Key& key, std::stop_token asked) { return reconcile(key, asked); },
      options_.workers, *options_.meter);
  at_work_ = true;
  log::info("operator is at work", {{"workers", options_.workers}});
  return {};
}

std::vector<std::string> Controller::unfilled() const {
  std::vector<std::string> lines;
  for (const auto& scope : scopes_) {
    for (const kube::Watch* watch : scope->watches()) {
      if (!watch->store().synced()) lines.push_back(account_of(*scope, *watch));
    }
  }
  return lines;
}

std::vector<kube::InHand> Controller::in_hand() const {
  return at_work_ ? workers_->in_hand() : std::vector<kube::InHand>();
}

std::optional<std::string> Controller::complaint(SteadyTime now) const {
  for (const kube::InHand& each : in_hand()) {
    const auto span = std::chrono::duration_cast<Seconds>(now - each.since);
    if (span > longest_pass) {
      return "a worker has been at " + each.key.text() + " for " + v1alpha1::duration_text(span);
    }
  }
  return std::nullopt;
}

std::string Controller::metrics_text() const {
  return replication_metrics({scopes_, listener_, reconciler_.orphaned(), at_work_, options_.clock()});
}

Result<void> Controller::start(Deadline deadline, std::stop_token stop) {
  TRY(fill(deadline, stop));
  return work(std::move(stop));
}

void Controller::stop() {
  ready_ = false;
  std::jthread patience([this](const std::stop_token& over) {
    if (pause_for(end_of_patience, over)) stop_.request_stop();
  });
  if (workers_) workers_->stop();
  events_.finish({Deadline::after(last_events)});
  stop_.request_stop();
}

}  // namespace tributary::replication
