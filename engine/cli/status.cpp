#include <unistd.h>

#include <cstdio>
#include <utility>

#include "engine/cli/output.h"
#include "engine/cli/run.h"
#include "engine/cli/stream_view.h"
#include "engine/cli/verbs.h"
#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"

namespace tributary::cli {
namespace {

Result<std::vector<api::StreamStatus>> ask(const Options& options, const Until& until) {
  const auto servers = postgres::sync::make_sync_servers(options.spec);
  std::vector<api::StreamStatus> streams;
  for (const pipeline::DatabasePair& pair : TRY(servers->databases(until)))
    streams.push_back(TRY(servers->status(pair, until)));
  return streams;
}

int print_all(const std::vector<api::StreamStatus>& streams, const Options& options) {
  const std::string text =
      options.output == Output::json ? api::to_json(streams) + "\n" : streams_text(streams, style_of(STDOUT_FILENO));
  return print(text);
}

// The first stream that cannot go on speaks for all by its exit code.
api::ExitCode verdict(const std::vector<api::StreamStatus>& streams) {
  for (const api::StreamStatus& status : streams)
    if (!status.problem.empty())
      return status.stream.slot.empty() ? api::ExitCode::bad_configuration : api::ExitCode::lost_position;
  return api::ExitCode::done;
}

}  // namespace

int status(const Options& options) {
  std::vector<api::StreamStatus> streams;
  const auto look = [&](pipeline::ProgressBoard& board, const Until& until) {
    board.enter(api::Phase::validating, "asking both ends");
    Result<std::vector<api::StreamStatus>> answer = ask(options, until);
    if (!answer) return report_of(options, answer.error(), "StatusUnknown");
    streams = std::move(answer).value();
    api::Report report;
    report.exit_code = verdict(streams);
    return report;
  };
  return run(options, look, [&](const api::Report& report) {
    if (!report.reason.empty()) return publish(report, options);
    const int printed = print_all(streams, options);
    return printed != 0 ? printed : static_cast<int>(report.exit_code);
  });
}

}  // namespace tributary::cli
