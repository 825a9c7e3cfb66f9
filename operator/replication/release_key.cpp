#include "operator/replication/release_key.h"

#include "engine/base/seal.h"
#include "operator/kube/kinds.h"

namespace tributary::replication {
namespace {

using kube::Json;

constexpr int key_bytes = 32;
constexpr const char* field = "key";

std::string key_in(const kube::Object& secret) {
  const std::string key = from_base64(kube::text_at(secret.json(), {"data", field}));
  return key.size() >= key_bytes ? key : "";
}

// Of two operators that fill it at the same time the first one's stays.
Result<std::string> fill(const kube::Client& client, const kube::Object& secret) {
  const std::string fresh = random_bytes(key_bytes);
  if (fresh.empty()) return Error{Fault::failed, "the system gives no random bytes"};
  const Json change = {{"metadata", {{"resourceVersion", secret.resource_version()}}},
                       {"data", {{field, to_base64(fresh)}}}};
  const Result<kube::Object> filled = client.merge_patch(kube::kinds::secrets, secret.key(), change);
  if (filled.ok()) return fresh;
  if (filled.error().fault != Fault::conflict) return filled.error();
  const kube::Object again = TRY(client.get(kube::kinds::secrets, secret.key()));
  if (std::string key = key_in(again); !key.empty()) return key;
  return Error{Fault::transient, "secret " + secret.name() + " was changed while its key was made"};
}

}  // namespace

Result<std::string> release_key(const kube::Client& client, const kube::Key& name) {
  const kube::Object secret = TRY(client.get(kube::kinds::secrets, name));
  if (std::string key = key_in(secret); !key.empty()) return key;
  return fill(client, secret);
}

}  // namespace tributary::replication
