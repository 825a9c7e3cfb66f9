#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"

namespace tributary::cli {

int recopy(const Options& options) {
  return run(options, [&](pipeline::ProgressBoard& board, const Until& until) {
    const auto servers = postgres::sync::make_sync_servers(options.spec);
    return pipeline::run_recopy(options.spec, options.recopied_tables, *servers, board, until);
  });
}

}  // namespace tributary::cli
