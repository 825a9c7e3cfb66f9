#include "operator/election.h"

#include <cstdlib>
#include <utility>

#include "engine/base/log.h"
#include "operator/kube/process.h"

namespace tributary {
namespace {

[[noreturn]] void end_at_once(const Error& error) {
  log::error("leadership lost", {{"error", describe(error)}});
  log::flush();
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

std::unique_ptr<Election> Election::of(const Flags& flags, const std::string& space, kube::Transport& transport,
                                       kube::Metrics& metrics) {
  if (!flags.leader_elect) return nullptr;
  const std::string& given = flags.leader_election_namespace;
  const std::string& name = flags.leader_election_id;
  return std::unique_ptr<Election>(new Election(transport, metrics,
                                                {.name = {given.empty() ? space : given, name},
                                                 .identity = kube::lease_identity(kube::host_name()),
                                                 .looked = [&metrics, name] { metrics.count_slow_path(name); },
                                                 .lost = end_at_once}));
}

Election::Election(kube::Transport& transport, kube::Metrics& metrics, kube::LeaseOptions options)
    : name_(options.name.name),
      metrics_(metrics),
      fence_(options.name.text()),
      transport_(transport, fence_),
      lease_(transport, fence_, std::move(options)) {
  metrics_.set_leader(name_, false);
}

Result<void> Election::wait_to_lead(std::stop_token stop) {
  TRY(lease_.wait_to_lead(std::move(stop)));
  metrics_.set_leader(name_, true);
  return {};
}

void Election::hand_over(Until until) {
  lease_.hand_over(std::move(until));
  metrics_.set_leader(name_, false);
}

}  // namespace tributary
