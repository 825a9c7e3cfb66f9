#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tributary {

// The command line of tributary-operator.
struct Flags {
  std::string kubeconfig;
  std::string context;
  std::vector<std::string> namespaces;  // empty: all
  std::string secret_access = "Watch";
  std::vector<std::string> secret_names;  // empty: all
  std::string release_key;                // a Secret; "": none
  std::string image = "tributary:" TRIBUTARY_VERSION;
  int workers = 8;
  std::string log_level = "info";
  std::string log_level_file;  // "": none
  std::string log_format = "text";
  std::string health_address = ":8081";
  std::string metrics_address;  // "": served nowhere
  bool leader_elect = false;
  std::string leader_election_namespace;  // "": the operator's own
  std::string leader_election_id = "tributary-operator";
};

void declare(CLI::App& app, Flags& flags);

}  // namespace tributary
