#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"

// Where the API server is and how to prove who we are: from the pod's service account or from a kubeconfig.
namespace tributary::kube {

// A credential that is given in place or in a file; a file is read at each use, so it may be rotated under us.
struct Secret {
  std::string text;
  std::string file;

  bool given() const { return !text.empty() || !file.empty(); }
  // The text, or the file's content; an empty or unreadable file is `invalid` and named. At most 1 MiB.
  Result<std::string> read() const;
};

struct ClusterConfig {
  std::string server;           // "https://host:port", without a trailing slash; a path prefix may follow
  std::string tls_server_name;  // the name in the certificate where it is not the host's
  Secret authority;             // PEM; required for https: no system root is ever trusted
  Secret client_certificate;    // PEM, with client_key
  Secret client_key;
  Secret token;       // bearer
  std::string space;  // the default namespace
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// The configuration of a pod: KUBERNETES_SERVICE_HOST and _PORT, and the service account's files under `folder`.
Result<ClusterConfig> in_cluster(const Environment& environment,
                                 const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

// One context of a kubeconfig file, the current one when `context` is empty. Relative file names are relative to
// the kubeconfig. Exec and auth-provider plugins, proxies, user name with password and insecure-skip-tls-verify are
// refused by name.
Result<ClusterConfig> from_kubeconfig(const std::string& path, const std::string& context = "");

// The order of controller-runtime: the given kubeconfig, $KUBECONFIG, in cluster, ~/.kube/config.
Result<ClusterConfig> find_config(const Environment& environment, const std::string& kubeconfig,
                                  const std::string& context);

// Hands out the bearer token and reads its file again about every 50 s (kubelet rotates it). Thread-safe.
class TokenSource {
 public:
  explicit TokenSource(Secret token) : token_(std::move(token)) {}

  // Empty when there is none. An unreadable file leaves the old token in use; without one it is the error.
  Result<std::string> get(SteadyTime now);
  // After a 401 of a request that began at `began`: forgets the token unless it was read later than that.
  void reject(SteadyTime began);

 private:
  const Secret token_;
  std::mutex mutex_;
  std::string cached_;
  std::optional<SteadyTime> loaded_;  // when cached_ was last confirmed
};

}  // namespace tributary::kube
