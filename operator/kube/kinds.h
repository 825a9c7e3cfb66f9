#pragma once

#include "operator/kube/object.h"

// The built-in kinds an operator meets, as their API servers from 1.29 on serve them.
namespace tributary::kube::kinds {

inline const Resource namespaces{"", "v1", "Namespace", "namespaces", false};
inline const Resource config_maps{"", "v1", "ConfigMap", "configmaps"};
inline const Resource secrets{"", "v1", "Secret", "secrets"};
inline const Resource pods{"", "v1", "Pod", "pods"};
inline const Resource core_events{"", "v1", "Event", "events"};
inline const Resource jobs{"batch", "v1", "Job", "jobs"};
inline const Resource deployments{"apps", "v1", "Deployment", "deployments"};
inline const Resource leases{"coordination.k8s.io", "v1", "Lease", "leases"};
inline const Resource events{"events.k8s.io", "v1", "Event", "events"};

}  // namespace tributary::kube::kinds
