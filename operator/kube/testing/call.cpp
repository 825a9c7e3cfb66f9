#include "operator/kube/testing/call.h"

#include <sstream>
#include <vector>

namespace tributary::kube::testing {

std::string header_of(const HttpRequest& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string() : found->second;
}

// /api/v1/... or /apis/<group>/<version>/..., then [namespaces/<space>/]<plural>[/<name>[/status]].
std::optional<Call> call_of(const HttpRequest& request) {
  const std::size_t mark = request.target.find('?');
  std::vector<std::string> parts;
  std::istringstream path(request.target.substr(0, mark));
  for (std::string part; std::getline(path, part, '/');)
    if (!part.empty()) parts.push_back(percent_decode(part));
  Call call;
  std::size_t next = 0;
  const auto take = [&] { return next < parts.size() ? parts[next++] : std::string(); };
  const std::string root = take();
  if (root != "api" && root != "apis") return std::nullopt;
  if (root == "apis") call.group = take();
  call.version = take();
  if (parts.size() - next >= 3 && parts[next] == "namespaces" && parts[next + 2] != "status") {
    take();
    call.key.space = take();
  }
  call.plural = take();
  call.key.name = take();
  call.status = take() == "status";

  std::istringstream query(mark == std::string::npos ? "" : request.target.substr(mark + 1));
  for (std::string pair; std::getline(query, pair, '&');) {
    const std::size_t equal = pair.find('=');
    call.query[percent_decode(pair.substr(0, equal))] =
        equal == std::string::npos ? "" : percent_decode(pair.substr(equal + 1));
  }
  for (const Method method : {Method::get, Method::post, Method::put, Method::patch, Method::remove})
    if (request.method == name_of(method)) call.method = method;
  call.content_type = header_of(request, "content-type");
  call.metadata_only = header_of(request, "accept").find("as=PartialObjectMetadata") != std::string::npos;
  call.body = request.body;
  return call;
}

}  // namespace tributary::kube::testing
