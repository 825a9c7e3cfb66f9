#pragma once

#include <string>
#include <vector>

#include "operator/api/replication.h"

namespace tributary::replication {

// The name of the Replication, of the same namespace, that writes tables which `object` would write too, and goes
// first: because it has begun, or is older. Empty where none is known. What Secrets say is not known here: two ends are
// the same where they name the same Secret or the same host; the same databases and tables where a name is given in
// both, or both leave it out. The engine's ledger in the target refuses the others.
std::string rival_of(const v1alpha1::Replication& object, const std::vector<v1alpha1::Replication>& others);
// Whether one of them would write the same tables, whoever goes first.
bool contested(const v1alpha1::Replication& object, const std::vector<v1alpha1::Replication>& others);

}  // namespace tributary::replication
