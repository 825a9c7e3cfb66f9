#include "engine/postgres/testing/snapshot.h"

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "engine/pipeline/session.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/server_files.h"

namespace tributary::testbed {
namespace {

using Contents = std::map<std::string, std::string>;

std::string difference(const Contents& source, const Contents& target) {
  std::string text;
  for (const auto& [name, content] : source) {
    const auto there = target.find(name);
    if (there == target.end()) text += "missing on the target: " + name + "\n";
    if (there != target.end() && there->second != content)
      text += name + ": source " + content + ", target " + there->second + "\n";
  }
  for (const auto& [name, content] : target)
    if (source.count(name) == 0) text += "only on the target: " + name + " " + content + "\n";
  return text;
}

// The engine finds pg_dump in PATH.
void use_clients_of_the_cache() {
  static const int set = [] {
    const std::string folder = (installation(18).parent_path() / "client-18/bin").string();
    const char* path = std::getenv("PATH");
    return setenv("PATH", (folder + ":" + (path == nullptr ? "" : path)).c_str(), 1);
  }();
  if (set != 0) throw std::runtime_error("PATH cannot be set");
}

}  // namespace

Ends ends(const std::string& name, int from, int to) {
  return {server(from).create_database(name), server(to).create_database(name)};
}

api::Spec spec_between(const std::string& source, const std::string& target) {
  use_clients_of_the_cache();
  api::Spec spec;
  spec.source.uri = source;
  spec.target.uri = target;
  spec.snapshot.roles = false;
  return spec;
}

api::Report snapshot(const api::Spec& spec) {
  pipeline::ProgressBoard board(spec.replication);
  return snapshot(spec, board);
}

api::Report snapshot(const api::Spec& spec, pipeline::ProgressBoard& board) {
  const auto servers = postgres::make_servers(spec);
  return pipeline::run_snapshot(spec, *servers, board, {Deadline::after(Seconds{300}), {}});
}

testing::AssertionResult done(const api::Report& report) {
  if (report.exit_code == api::ExitCode::done && report.reason == "SnapshotComplete")
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << api::to_json(report);
}

testing::AssertionResult failed(const api::Report& report, api::ExitCode code, const std::string& words) {
  if (report.exit_code == code && report.message.find(words) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "expected exit code " << static_cast<int>(code) << " and the words \"" << words
                                     << "\", got " << api::to_json(report);
}

testing::AssertionResult same_content(const std::string& source, const std::string& target) {
  const std::string differs =
      difference(fingerprint(source), fingerprint(target)) + difference(sequences(source), sequences(target));
  if (differs.empty()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << differs;
}

void wait_until(const std::string& what, const std::function<bool()>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("waited too long: " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

int sessions(PostgresServer& server, const std::string& database, const std::string& pattern) {
  return std::stoi(server.scalar("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '" + database +
                                                 "' AND application_name LIKE '" + pattern + "'"));
}

}  // namespace tributary::testbed
