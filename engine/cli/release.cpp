#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"

namespace tributary::cli {

int release(const Options& options) {
  return run(options, [&](pipeline::ProgressBoard& board, const Until& until) {
    const auto servers = postgres::sync::make_sync_servers(options.spec);
    const pipeline::Remember remember = options.forget ? pipeline::Remember::nothing : pipeline::Remember::rows;
    return pipeline::run_release(options.spec, *servers, remember, board, until);
  });
}

}  // namespace tributary::cli
