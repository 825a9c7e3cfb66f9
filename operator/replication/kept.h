#pragma once

#include "operator/kube/object.h"

// Cut an object down to what is read of it out of a cache, and that is what observed.h and replication.h take from it.
// Whoever reads more of one has to keep it here.
namespace tributary::replication {

void keep_replication(kube::Object& object);
void keep_job(kube::Object& object);
void keep_deployment(kube::Object& object);
void keep_pod(kube::Object& object);
void keep_identity(kube::Object& object);  // of a Secret

}  // namespace tributary::replication
