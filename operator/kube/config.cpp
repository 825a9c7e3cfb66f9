#include "operator/kube/config.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace tributary::kube {
namespace {

constexpr std::uintmax_t most_bytes = 1 << 20;

std::string trimmed(const std::string& text) {
  constexpr const char* space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

}  // namespace

Result<std::string> Secret::read() const {
  if (file.empty()) return text;
  std::ifstream in(file, std::ios::binary);
  std::string content(most_bytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.empty()) return Error{Fault::invalid, "file " + file + " is empty or cannot be read"};
  if (content.size() > most_bytes) return Error{Fault::invalid, "file " + file + " is larger than 1 MiB"};
  return content;
}

Result<ClusterConfig> in_cluster(const Environment& environment, const std::string& folder) {
  const std::string host = environment("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string port = environment("KUBERNETES_SERVICE_PORT").value_or("");
  if (host.empty() || port.empty())
    return Error{Fault::invalid, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
                 "outside of a cluster pass --kubeconfig"};
  ClusterConfig config;
  const bool ipv6 = host.find(':') != std::string::npos;
  config.server = "https://" + (ipv6 ? "[" + host + "]" : host) + ":" + port;
  config.authority.file = folder + "/ca.crt";
  config.token.file = folder + "/token";
  config.space = trimmed(TRY(Secret{{}, folder + "/namespace"}.read()));
  TRY(config.authority.read());
  TRY(config.token.read());
  return config;
}

Result<ClusterConfig> find_config(const Environment& environment, const std::string& kubeconfig,
                                  const std::string& context) {
  if (!kubeconfig.empty()) return from_kubeconfig(kubeconfig, context);
  if (const auto path = environment("KUBECONFIG"); path && !path->empty()) return from_kubeconfig(*path, context);
  if (context.empty() && environment("KUBERNETES_SERVICE_HOST")) return in_cluster(environment);
  const std::string home = environment("HOME").value_or("");
  const std::string path = home + "/.kube/config";
  std::error_code ignored;
  if (!home.empty() && std::filesystem::exists(path, ignored)) return from_kubeconfig(path, context);
  return Error{Fault::invalid, "found no cluster: neither a kubeconfig nor a pod's service account",
               "pass --kubeconfig or set KUBECONFIG"};
}

Result<std::string> TokenSource::get(SteadyTime now) {
  constexpr Seconds fresh{50};  // 60 s, less 10 s of leeway, as client-go does
  const std::lock_guard lock(mutex_);
  if (!token_.given()) return std::string();
  if (token_.file.empty()) return token_.text;
  if (loaded_ && now - *loaded_ < fresh) return cached_;
  const Result<std::string> content = token_.read();
  const std::string token = content.ok() ? trimmed(*content) : "";
  if (token.empty() && cached_.empty())
    return content.ok() ? Error{Fault::invalid, "token file " + token_.file + " is empty"} : content.error();
  if (!token.empty()) cached_ = token;
  loaded_ = now;
  return cached_;
}

void TokenSource::reject(SteadyTime began) {
  const std::lock_guard lock(mutex_);
  if (loaded_ && *loaded_ <= began) loaded_.reset();
}

}  // namespace tributary::kube
