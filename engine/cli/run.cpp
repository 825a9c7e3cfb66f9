#include "engine/cli/run.h"

#include <unistd.h>

#include <memory>
#include <optional>

#include "engine/base/contain.h"
#include "engine/cli/display.h"
#include "engine/cli/endpoints.h"
#include "engine/cli/output.h"
#include "engine/cli/signals.h"
#include "engine/cli/terminal.h"
#include "engine/cli/watchdog.h"
#include "engine/serve/server.h"

namespace tributary::cli {
namespace {

// Shows progress in the way that fits where standard error goes.
class Display {
 public:
  Display(const pipeline::ProgressBoard& board, bool live) {
    if (live) {
      live_.emplace(board);
    } else {
      log_.emplace(board);
    }
  }
  void stop() {
    if (live_) live_->stop();
    if (log_) log_->stop();
  }

 private:
  std::optional<LiveDisplay> live_;
  std::optional<LogDisplay> log_;
};

void start_log(const Options& options, bool live) {
  log::start(options.log_level.value_or(live ? log::Level::warn : log::Level::info), options.log_format);
}

Result<std::unique_ptr<serve::Server>> open_status(const Options& options, const pipeline::ProgressBoard& board,
                                                   serve::Routes routes) {
  if (options.status_address.empty()) return std::unique_ptr<serve::Server>();
  routes.merge(status_routes(board));
  Result<std::unique_ptr<serve::Server>> server = serve::Server::open(options.status_address, std::move(routes));
  if (!server) return within("--status-address", server.error());
  log::info("serving status", {{"port", (*server)->port()}});
  return server;
}

// What is known of work that did not come back.
api::Report abandoned(const Options& options, const pipeline::ProgressBoard& board) {
  const api::Progress progress = board.snapshot();
  const bool waits = progress.phase == api::Phase::waiting;
  api::Report report = report_of(options, {Fault::failed, progress.message}, waits ? "Unavailable" : "Abandoned");
  report.checks = progress.checks;
  report.started = progress.started;
  return report;
}

api::Report report_on(const Work& work, pipeline::ProgressBoard& board, const Until& until, const Options& options) {
  const Result<api::Report> report = contain([&]() -> Result<api::Report> { return work(board, until); });
  if (report) return *report;
  api::Report failed = report_of(options, report.error(), "EngineFailed");
  failed.checks = board.snapshot().checks;
  return failed;
}

// Done with the work, or with its watchdog, which ends the process where the work does not come back: one of the two
// publishes.
api::Report watched(const Work& work, pipeline::ProgressBoard& board, int interrupts, Display& display,
                    const Options& options, const Publisher& publisher) {
  // A stream has no end, and none is expected of it; nor does it show here what its engine does for a recopy.
  const bool ends = options.verb != Verb::sync && options.verb != Verb::recopy;
  const Patience patience{ends ? options.spec.snapshot.timeout : Seconds{0},
                          ends ? options.spec.snapshot.stall_timeout : Seconds{0}};
  const Watchdog watchdog(patience, board, interrupts, [&](const Stop& stop) {
    end_on_interrupt();
    display.stop();
    _exit(publisher(with_cause(abandoned(options, board), stop, patience)));
  });
  const api::Report report = report_on(work, board, Until{Deadline::never(), watchdog.stop()}, options);
  return with_cause(report, watchdog.stopped(), patience);
}

int run(const Options& options, const Work& work, const Publisher& publisher, serve::Routes routes) {
  const bool live = can_show_live();
  start_log(options, live);
  const Result<int> interrupts = catch_interrupts();
  if (!interrupts) return publisher(report_of(options, interrupts.error(), "NoSignals"));

  pipeline::ProgressBoard board(options.spec.replication);
  const auto server = open_status(options, board, std::move(routes));
  if (!server) return publisher(report_of(options, server.error(), "StatusAddressUnusable"));

  Display display(board, live);
  const api::Report report = watched(work, board, *interrupts, display, options, publisher);
  end_on_interrupt();
  display.stop();
  return publisher(report);
}

}  // namespace

int run(const Options& options, const Work& work) {
  return run(options, work, serve::Routes{});
}

int run(const Options& options, const Work& work, serve::Routes routes) {
  const Publisher publisher = [&](const api::Report& report) { return publish(report, options); };
  return run(options, work, publisher, std::move(routes));
}

int run(const Options& options, const Work& work, const Publisher& publisher) {
  return run(options, work, publisher, {});
}

}  // namespace tributary::cli
