#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/api/replication.h"
#include "operator/kube/object.h"

namespace tributary::torture {

// One life: what is created, what is changed later, and when each has come to what was asked for.
struct Plan {
  std::string name;
  kube::Json spec;
  kube::Json change;            // a merge patch
  bool orders_release = false;  // the operator has a key for orders to release
  std::function<bool(const v1alpha1::Replication&)> is_created;
  std::function<bool(const v1alpha1::Replication&)> is_changed;
  int copies = 1;                 // that are made in all
  bool ends_in_two_ways = false;  // what was ordered of an engine may have been done by a Job instead
};

const std::vector<Plan>& plans();

}  // namespace tributary::torture
