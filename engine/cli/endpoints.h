#pragma once

#include "engine/pipeline/progress.h"
#include "engine/serve/response.h"

namespace tributary::cli {

// /healthz, /readyz, /status (api::Progress as JSON) and /metrics of a working engine. Borrows the board.
serve::Routes status_routes(const pipeline::ProgressBoard& board);

}  // namespace tributary::cli
