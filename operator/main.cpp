#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include <CLI/CLI.hpp>

#include "engine/base/log.h"
#include "engine/serve/server.h"
#include "operator/election.h"
#include "operator/endpoints/endpoints.h"
#include "operator/flags.h"
#include "operator/kube/config.h"
#include "operator/kube/level_file.h"
#include "operator/kube/metered_transport.h"
#include "operator/kube/metrics.h"
#include "operator/kube/process.h"
#include "operator/kube/tls.h"
#include "operator/kube/transport.h"
#include "operator/replication/controller.h"

// tributary-operator: flags -> parts -> run, until SIGTERM or SIGINT.
namespace tributary {
namespace {

// With what the workers take to end (controller.h) less than the 30 s that a pod is given.
constexpr Seconds hand_over_time{8};

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// Probes -> caches -> lease -> workers.
Result<void> start(replication::Controller& controller, Election* election, const std::stop_token& stop) {
  TRY(controller.fill(Deadline::after(std::chrono::minutes(2)), stop));
  if (election != nullptr) TRY(election->wait_to_lead(stop));
  return controller.work(stop);
}

Result<void> run(const Flags& flags, const sigset_t& signals) {
  const kube::ClusterConfig cluster = TRY(kube::find_config(environment, flags.kubeconfig, flags.context));
  const auto server = kube::open_rest_transport(cluster);
  kube::Metrics metrics({.controller = "replication", .workers = flags.workers, .host = server->host()});
  kube::MeteredTransport transport(*server, metrics);
  const std::unique_ptr<Election> election = Election::of(flags, cluster.space, transport, metrics);
  kube::Transport& way = election ? election->transport() : transport;
  replication::Controller controller(way, {.namespaces = flags.namespaces,
                                           .secrets = {flags.secret_access == "Watch", flags.secret_names},
                                           .image = flags.image,
                                           .workers = flags.workers,
                                           .release_key = {cluster.space, flags.release_key},
                                           .meter = &metrics,
                                           .fence = election ? &election->fence() : nullptr});
  const auto complaint = [&controller, &election](SteadyTime now) {
    const std::optional<std::string> why = controller.complaint(now);
    return !why && election ? election->lease().complaint(now) : why;
  };
  const auto health = TRY(serve::Server::open(flags.health_address, endpoints::probes_of(controller, complaint)));
  std::unique_ptr<serve::Server> scraped;
  if (!flags.metrics_address.empty()) {
    scraped = TRY(serve::Server::open(flags.metrics_address, endpoints::metrics_of(controller, metrics)));
  }
  std::stop_source stop;
  std::jthread waiter([&signals, &stop] {
    int signal = 0;
    sigwait(&signals, &signal);
    stop.request_stop();
  });
  const Result<void> started = start(controller, election.get(), stop.get_token());
  const bool asked_to_stop = stop.stop_requested();
  if (!started.ok()) kill(getpid(), SIGTERM);  // so that the waiter ends
  waiter.join();
  log::info("operator ends");
  controller.stop();
  if (election) election->hand_over({Deadline::after(hand_over_time)});
  if (asked_to_stop) return {};
  return started;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  using namespace tributary;
  kube::keep_memory_low();
  kube::read_no_system_roots();
  Flags flags;
  CLI::App app("Carries out Replication objects: runs engines and reports what became of them");
  declare(app, flags);
  CLI11_PARSE(app, argc, argv);
  log::Level level = log::Level::info;
  log::parse_level(flags.log_level, level);
  log::start(level, flags.log_format == "json" ? log::Format::json : log::Format::text);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every thread; one of them waits for them
  std::signal(SIGPIPE, SIG_IGN);
  std::optional<kube::LevelFile> level_file;
  if (!flags.log_level_file.empty()) level_file.emplace(flags.log_level_file, level);
  const Result<void> ended = run(flags, signals);
  if (!ended.ok()) log::error("operator gave up", {{"error", describe(ended.error())}});
  log::flush();
  return ended.ok() ? 0 : 1;
}
