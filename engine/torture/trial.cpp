#include "engine/torture/trial.h"

#include <signal.h>

#include <map>
#include <stdexcept>

#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

namespace tributary::torture {
namespace {

using testbed::Process;

std::string through(const testbed::PostgresServer& server, const testbed::Proxy& network,
                    const testbed::Database& database) {
  return server.tcp_uri(database.name(), "postgres", testbed::PostgresServer::superuser_password, network.port());
}

}  // namespace

Trial::Trial(const std::string& name, int source_major, int target_major)
    : pair(name, source_major, target_major, testbed::Flavour::replica),
      source_network(pair.from.port()),
      target_network(pair.to.port()) {
  testbed::spec_between("", "");  // puts pg_dump into PATH
}

std::vector<std::string> Trial::command(const std::string& verb, const std::vector<std::string>& flags) const {
  std::vector<std::string> words{testbed::built_program("tributary"),
                                 verb,
                                 "--source",
                                 through(pair.from, source_network, pair.source),
                                 "--target",
                                 through(pair.to, target_network, pair.target)};
  words.insert(words.end(), flags.begin(), flags.end());
  return words;
}

Ended Trial::run(const std::string& verb, const std::vector<std::string>& flags) const {
  Process process(command(verb, flags));
  const int code = process.wait();
  return {code, process.output(), process.errors()};
}

void Trial::copy(const std::vector<std::string>& flags) const {
  std::vector<std::string> all{"--sync", "--no-roles"};
  all.insert(all.end(), flags.begin(), flags.end());
  const Ended init = run("init", all);
  if (init.code != 0) throw std::runtime_error("init has ended with " + std::to_string(init.code) + ": " + init.errors);
}

void Trial::start() {
  engine_.emplace(command("sync", {}));
}

int Trial::wait() {
  const int code = engine_->wait();
  log_ += engine_->errors() + "--- ended with " + std::to_string(code) + "\n";
  engine_.reset();
  return code;
}

void Trial::kill() {
  send(SIGKILL);
  wait();
}

int Trial::stop() {
  send(SIGTERM);
  return wait();
}

bool Trial::is_lost() const {
  const std::string applied = pair.target.scalar("SELECT applied FROM _tributary.stream");
  return pair.source.scalar("SELECT confirmed_flush_lsn > '" + applied +
                            "' FROM pg_replication_slots WHERE database = current_database() AND NOT temporary") == "t";
}

std::string Trial::tables_in(const std::string& state, const std::string& reason) const {
  return pair.target.scalar(
      "SELECT string_agg(quote_literal(schema_name || '.' || table_name), ', ') FROM _tributary.table_state"
      " WHERE stream = '" +
      state + "' AND reason ~ '" + reason + "'");
}

std::string difference(const Trial& trial) {
  const std::string& source = trial.pair.source.uri();
  const std::string& target = trial.pair.target.uri();
  const std::string dropped = trial.tables_in("stopped", "^the source has dropped it");
  std::string text;
  const auto there = testbed::rows_by_column_name(target);
  const auto here = testbed::rows_by_column_name(source);
  for (const auto& [table, rows] : here) {
    const auto found = there.find(table);
    const std::string other = found == there.end() ? "does not have it" : found->second;
    if (other != rows) text += table + ": source " + rows + "\n  target " + other + "\n";
  }
  for (const auto& [table, rows] : there)
    if (here.count(table) == 0 && dropped.find("'" + table + "'") == std::string::npos)
      text += table + " is on the target alone: " + rows + "\n";
  const auto carried = testbed::sequences(target);
  for (const auto& [sequence, value] : testbed::sequences(source)) {
    const auto found = carried.find(sequence);
    if (found != carried.end() && found->second != value)
      text += "sequence " + sequence + ": source " + value + ", target " + found->second + "\n";
  }
  return text;
}

}  // namespace tributary::torture
