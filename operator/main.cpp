#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>

#include "engine/base/log.h"
#include "engine/serve/server.h"
#include "operator/flags.h"
#include "operator/kube/config.h"
#include "operator/kube/transport.h"
#include "operator/replication/controller.h"

// tributary-operator: flags -> parts -> run, until SIGTERM or SIGINT.
namespace tributary {
namespace {

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

serve::Routes health_of(const replication::Controller& controller) {
  return {{"/healthz", {[] { return serve::Response{.body = "ok\n"}; }}},
          {"/readyz", {[&controller] {
             return controller.ready() ? serve::Response{.body = "ok\n"}
                                       : serve::Response{.status = 503, .body = "caches are not filled yet\n"};
           }}}};
}

Result<void> run(const Flags& flags, const sigset_t& signals) {
  const kube::ClusterConfig cluster = TRY(kube::find_config(environment, flags.kubeconfig, flags.context));
  const auto transport = kube::open_rest_transport(cluster);
  replication::Controller controller(*transport, {.namespaces = flags.namespaces,
                                                  .secrets = {flags.secret_access == "Watch", flags.secret_names},
                                                  .image = flags.image,
                                                  .workers = flags.workers,
                                                  .release_key = {cluster.space, flags.release_key}});
  const auto health = TRY(serve::Server::open(flags.health_address, health_of(controller)));
  std::stop_source stop;
  std::jthread waiter([&signals, &stop] {
    int signal = 0;
    sigwait(&signals, &signal);
    stop.request_stop();
  });
  const Result<void> started = controller.start(Deadline::after(std::chrono::minutes(2)), stop.get_token());
  const bool asked_to_stop = stop.stop_requested();
  if (!started.ok()) kill(getpid(), SIGTERM);  // so that the waiter ends
  waiter.join();
  log::info("operator ends");
  controller.stop();
  if (asked_to_stop) return {};
  return started;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  using namespace tributary;
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
  const Result<void> ended = run(flags, signals);
  if (!ended.ok()) log::error("operator gave up", {{"error", describe(ended.error())}});
  log::flush();
  return ended.ok() ? 0 : 1;
}
