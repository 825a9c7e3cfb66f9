#pragma once

#include <string>

#include "operator/kube/client.h"

namespace tributary::replication {

// The key of the tokens that engines take an order to release by: 32 random bytes in the field `key` of a Secret of the
// operator's own, which somebody made for it and which it fills the first time. The only value of a Secret that it ever
// reads. `missing` and `denied`: there is none for it; `transient`: not known.
Result<std::string> release_key(const kube::Client& client, const kube::Key& secret);

}  // namespace tributary::replication
