#include "operator/election.h"

#include <unistd.h>
#include <cstdlib>
#include <utility>

#include "engine/base/log.h"

namespace tributary {
namespace {

// A pod's own name.
std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "tributary-operator";
}

[[noreturn]] void end_at_once(const Error& error) {
  log::error("leadership lost", {{"error", describe(error)}});
  log::flush();
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

std::unique_ptr<Election> Election::of(const Flags& flags, const std::string& space, kube::Transport& transport) {
  if (!flags.leader_elect) return nullptr;
  const std::string& given = flags.leader_election_namespace;
  return std::unique_ptr<Election>(
      new Election(transport, {.name = {given.empty() ? space : given, flags.leader_election_id},
                               .identity = kube::lease_identity(host_name()),
                               .lost = end_at_once}));
}

Election::Election(kube::Transport& transport, kube::LeaseOptions options)
    : fence_(options.name.text()), transport_(transport, fence_), lease_(transport, fence_, std::move(options)) {}

}  // namespace tributary
