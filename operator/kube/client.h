#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "operator/kube/object.h"
#include "operator/kube/request.h"
#include "operator/kube/transport.h"

// Verbs on objects. The server's Status becomes an Error whose text is the server's own message:
//   missing   404                     conflict  409 (AlreadyExists included)
//   denied    401, 403                invalid   400, 422 and other 4xx; an answer that is not what was asked for
//   lost      410: a continue token has expired
//   transient 429, 5xx, server not reached, or a write of which nobody knows whether it was executed: look again
//   cancelled the client was stopped
// Repeated here: a request that the server turned away with 429 or 5xx and a Retry-After (at most `retries` times and
// `retry_wait` in all), and reads whose connection broke. A write is never sent again after a broken connection.
namespace tributary::kube {

struct ClientOptions {
  std::string field_manager = "tributary";
  Milliseconds timeout{30'000};     // of one request
  Milliseconds retry_wait{10'000};  // spent waiting for Retry-After in one call, in all
  int retries = 3;
  Milliseconds broken_wait{1'000};  // before a read is repeated whose connection broke
};

// Of a list: apiVersion and kind are filled in.
using TakeObject = std::function<void(Object)>;

struct ListResult {
  std::vector<Object> items;  // empty where each was handed over
  std::string resource_version;
  std::string continue_token;  // empty on the last page
};

// Thread-safe; holds no state but references, so copies are cheap. `stop` ends every wait with `cancelled`.
class Client {
 public:
  Client(Transport& transport, ClientOptions options, std::stop_token stop);

  Result<Object> get(const Resource& resource, const Key& key) const;
  // With `take` each item is handed over as soon as it is read; what was taken counts where the whole is ok.
  Result<ListResult> list(const Resource& resource, const Selection& selection, const ListPage& page = {},
                          const TakeObject& take = {}) const;
  Result<Object> create(const Resource& resource, const Object& object) const;
  Result<Object> apply(const Resource& resource, const Object& intent,
                       Subresource subresource = Subresource::none) const;
  Result<Object> merge_patch(const Resource& resource, const Key& key, const Json& patch,
                             Subresource subresource = Subresource::none) const;
  Result<Object> json_patch(const Resource& resource, const Key& key, const Json& operations,
                            Subresource subresource = Subresource::none) const;
  // Done when the server accepted it; finalizers and grace may keep the object for a while.
  Result<void> remove(const Resource& resource, const Key& key, const Removal& removal = {}) const;

 private:
  Result<Response> perform(const Request& request) const;
  Result<Object> object_of(const Request& request) const;

  Transport* transport_;
  ClientOptions options_;
  std::stop_token stop_;
};

// The Error that an answer of 300 and above stands for.
Error error_of(const Response& response);

// The list in an answer; items lack apiVersion and kind on the wire.
Result<ListResult> list_in(const Resource& resource, Detail detail, const Response& response,
                           const TakeObject& take = {});

// `missing` as an empty value, for callers to whom absence is an answer.
template <class T>
Result<std::optional<T>> unless_missing(Result<T> result) {
  if (result.ok()) return std::optional<T>(std::move(result).value());
  if (result.error().fault == Fault::missing) return std::optional<T>();
  return result.error();
}

}  // namespace tributary::kube
