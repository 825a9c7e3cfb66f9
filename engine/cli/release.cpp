#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"

namespace tributary::cli {
namespace {

pipeline::Keep what_stays(const Options& options) {
  if (options.drop_target_data) return pipeline::Keep::nothing;
  return options.forget ? pipeline::Keep::data : pipeline::Keep::everything;
}

}  // namespace

int release(const Options& options) {
  return run(options, [&](pipeline::ProgressBoard& board, const Until& until) {
    const auto servers = postgres::sync::make_sync_servers(options.spec);
    return pipeline::run_release(options.spec, *servers, what_stays(options), board, until);
  });
}

}  // namespace tributary::cli
