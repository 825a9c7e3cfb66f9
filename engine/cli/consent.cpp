#include "engine/cli/consent.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

constexpr std::size_t most_shown = 50;

}  // namespace

bool must_ask(const Options& options) {
  const bool drops = options.spec.snapshot.on_target_not_empty == api::OnTargetNotEmpty::drop;
  return drops && !options.yes && !options.dry_run && !options.from_spec_file;
}

std::vector<std::string> drops_of(const api::Spec& spec, const pipeline::SnapshotPlan& plan) {
  const bool whole = spec.selection.include_tables.empty() && spec.selection.exclude_tables.empty();
  std::vector<std::string> drops;
  for (const pipeline::PlannedDatabase& database : plan.databases) {
    if (whole) drops.push_back("database " + database.target);
    for (const pipeline::PlannedTable& table : database.tables) {
      if (!whole) drops.push_back("table " + database.target + "." + table.name);
    }
  }
  return drops;
}

Result<void> check_can_ask() {
  if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1) return {};
  return Error{Fault::invalid, "--drop-existing asks before it drops, and there is no terminal to ask on",
               "add --yes to drop without being asked, or look first with --dry-run"};
}

Result<void> ask(const std::vector<std::string>& drops) {
  std::fputs("On the target these will be dropped where they exist:\n", stderr);
  for (std::size_t i = 0; i < drops.size() && i < most_shown; ++i)
    std::fprintf(stderr, "  %s\n", printable(drops[i]).c_str());
  if (drops.size() > most_shown) std::fprintf(stderr, "  and %zu more\n", drops.size() - most_shown);
  std::fputs("Type yes to go on: ", stderr);
  std::fflush(stderr);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes") return {};
  return Error{Fault::invalid, "not confirmed, nothing was changed", "answer yes, or add --yes"};
}

}  // namespace tributary::cli
