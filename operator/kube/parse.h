#pragma once

#include <functional>
#include <string_view>

#include "operator/kube/object.h"

namespace tributary::kube {

// As parse_json() of a list, without its items: each of them is handed over as soon as it is read, so that no more than
// one is held.
using TakeItem = std::function<void(Json item)>;
Parsed parse_list(std::string_view text, const TakeItem& take);

}  // namespace tributary::kube
