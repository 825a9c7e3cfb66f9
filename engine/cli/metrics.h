#pragma once

#include <string>

#include "engine/api/progress.h"

namespace tributary::cli {

// Progress in Prometheus' text format, for GET /metrics. docs/metrics.md lists the names.
std::string metrics_text(const api::Progress& progress);

}  // namespace tributary::cli
