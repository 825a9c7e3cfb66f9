#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "engine/base/seal.h"
#include "operator/kube/config.h"

// A kubeconfig (v1 Config): lists `clusters`, `users` and `contexts` of {name, cluster|user|context}; a context names
// one of each.
namespace tributary::kube {
namespace {

Result<std::string> decode_base64(const std::string& field, std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  std::string bytes = from_base64(text);
  if (bytes.empty()) return Error{Fault::invalid, field + " is not base64"};
  return bytes;
}

std::string text_of(const YAML::Node& map, const std::string& name) {
  if (!map.IsMap() || !map[name] || !map[name].IsScalar()) return "";
  return map[name].Scalar();
}

Result<YAML::Node> entry(const YAML::Node& root, const std::string& list, const std::string& member,
                         const std::string& name) {
  const YAML::Node entries = root[list];
  if (entries && entries.IsSequence())
    for (const YAML::Node& candidate : entries)
      if (candidate.IsMap() && text_of(candidate, "name") == name && candidate[member] && candidate[member].IsMap())
        return YAML::Node(candidate[member]);
  return Error{Fault::invalid, "there is no " + member + " '" + name + "' in " + list};
}

// `name` as a file name, or `name`-data as base64 in place; data wins, as in kubectl.
Result<Secret> secret_of(const YAML::Node& map, const std::string& name, const std::filesystem::path& folder) {
  if (const std::string data = text_of(map, name + "-data"); !data.empty())
    return Secret{TRY(decode_base64(name + "-data", data)), {}};
  const std::string file = text_of(map, name);
  if (file.empty()) return Secret{};
  return Secret{{}, (folder / file).string()};
}

Result<void> refuse_unsupported(const YAML::Node& cluster, const YAML::Node& user) {
  for (const char* name : {"exec", "auth-provider", "username", "password", "as"})
    if (user[name])
      return Error{Fault::invalid, std::string("user: ") + name + " is not supported",
                   "use a token, a tokenFile or a client certificate"};
  for (const char* name : {"proxy-url"})
    if (cluster[name]) return Error{Fault::invalid, std::string("cluster: ") + name + " is not supported"};
  if (text_of(cluster, "insecure-skip-tls-verify") == "true")
    return Error{Fault::invalid, "cluster: insecure-skip-tls-verify is not supported",
                 "give the cluster's certificate-authority"};
  return {};
}

Result<ClusterConfig> read_config(const std::string& path, const std::string& wanted) {
  const YAML::Node root = YAML::LoadFile(path);
  if (!root.IsMap()) return Error{Fault::invalid, "it is no map"};
  const std::string context_name = wanted.empty() ? text_of(root, "current-context") : wanted;
  if (context_name.empty()) return Error{Fault::invalid, "it has no current-context", "pass --context"};
  const YAML::Node context = TRY(entry(root, "contexts", "context", context_name));
  const YAML::Node cluster = TRY(entry(root, "clusters", "cluster", text_of(context, "cluster")));
  const YAML::Node user = TRY(entry(root, "users", "user", text_of(context, "user")));
  TRY(refuse_unsupported(cluster, user));

  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  ClusterConfig config;
  config.server = text_of(cluster, "server");
  while (config.server.ends_with('/')) config.server.pop_back();
  config.tls_server_name = text_of(cluster, "tls-server-name");
  config.authority = TRY(secret_of(cluster, "certificate-authority", folder));
  config.client_certificate = TRY(secret_of(user, "client-certificate", folder));
  config.client_key = TRY(secret_of(user, "client-key", folder));
  config.token = {text_of(user, "token"), {}};
  if (const std::string file = text_of(user, "tokenFile"); !file.empty()) config.token = {{}, (folder / file).string()};
  config.space = text_of(context, "namespace");
  if (config.space.empty()) config.space = "default";

  const bool tls = config.server.starts_with("https://");
  if (!tls && !config.server.starts_with("http://"))
    return Error{Fault::invalid, "cluster: server is no http or https URL"};
  if (tls && !config.authority.given())
    return Error{Fault::invalid, "cluster: there is no certificate-authority, and no other one is trusted"};
  if (config.client_certificate.given() != config.client_key.given())
    return Error{Fault::invalid, "user: client-certificate and client-key go together"};
  return config;
}

}  // namespace

Result<ClusterConfig> from_kubeconfig(const std::string& path, const std::string& context) {
  const std::string where = "kubeconfig " + path;
  try {
    Result<ClusterConfig> config = read_config(path, context);
    if (!config.ok()) return within(where, config.error());
    return config;
  } catch (const YAML::BadFile&) {
    return Error{Fault::invalid, where + " cannot be read"};
  } catch (const std::exception&) {  // its text may quote the file, and with it a credential
    return Error{Fault::invalid, where + " is no valid YAML"};
  }
}

}  // namespace tributary::kube
