#pragma once

#include <functional>

#include "engine/api/report.h"
#include "engine/base/until.h"
#include "engine/cli/options.h"
#include "engine/pipeline/progress.h"
#include "engine/serve/response.h"

namespace tributary::cli {

// The work of a verb. It shows what it does on the board, ends soon after a stop, and always reports.
using Work = std::function<api::Report(pipeline::ProgressBoard&, const Until&)>;

// Hands a report to whoever started the verb. Returns the process's exit code.
using Publisher = std::function<int(const api::Report&)>;

// Does the work inside all that surrounds it: log, signals, watchdogs, display, status server; publishes its report
// once, by publish() or by `publisher`. Returns the process's exit code.
int run(const Options& options, const Work& work);
// The same with routes of its own beside those of status_routes().
int run(const Options& options, const Work& work, serve::Routes routes);
int run(const Options& options, const Work& work, const Publisher& publisher);

}  // namespace tributary::cli
