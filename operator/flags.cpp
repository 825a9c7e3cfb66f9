#include "operator/flags.h"

#include <CLI/CLI.hpp>

namespace tributary {

void declare(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", std::string("tributary-operator ") + TRIBUTARY_VERSION);
  app.add_option("--kubeconfig", flags.kubeconfig, "Kubeconfig file; default: $KUBECONFIG, in cluster, ~/.kube/config");
  app.add_option("--context", flags.context, "Context of the kubeconfig");
  app.add_option("--namespaces", flags.namespaces, "Namespaces to watch; default: all")->delimiter(',');
  app.add_option("--secret-access", flags.secret_access,
                 "Watch: notice changes of Secrets by their metadata; None: leave Secrets to the engines alone")
      ->check(CLI::IsMember({"Watch", "None"}))
      ->capture_default_str();
  app.add_option("--secret-names", flags.secret_names, "Names of the only Secrets to watch; default: all")
      ->delimiter(',');
  app.add_option(
      "--release-key", flags.release_key,
      "Secret of the operator's own namespace that keeps the key by which engines take the order to release; "
      "default: none, Jobs release");
  app.add_option("--image", flags.image, "Image of the engine, for objects that name none")->capture_default_str();
  app.add_option("--workers", flags.workers, "Objects worked on at the same time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.add_option("--log-level-file", flags.log_level_file,
                 "File that holds the log level, such as a mounted ConfigMap; followed without a restart, and where it "
                 "is empty or missing --log-level counts; default: none");
  app.add_option("--log-format", flags.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_flag("--leader-elect", flags.leader_elect,
               "Of several operators one leads, by a Lease, and the others stand by; without it run one alone");
  app.add_option("--leader-election-namespace", flags.leader_election_namespace,
                 "Namespace of that Lease; default: the operator's own");
  app.add_option("--leader-election-id", flags.leader_election_id, "Name of that Lease")->capture_default_str();
  app.add_option("--health-address", flags.health_address, "Serves /healthz, /readyz and /startupz")
      ->capture_default_str();
  app.add_option("--metrics-address", flags.metrics_address, "Serves /metrics, such as :8080; default: nowhere");
}

}  // namespace tributary
