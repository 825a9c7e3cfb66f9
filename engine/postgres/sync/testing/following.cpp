#include "engine/postgres/sync/testing/following.h"

#include <stdexcept>

#include "engine/base/log.h"
#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/testing/snapshot.h"

namespace tributary::testbed {

StreamPair::StreamPair(const std::string& name, int source_major, int target_major, Flavour target_flavour)
    : from(server(source_major)),
      to(server(target_major, target_flavour)),
      source(from.create_database(name)),
      target(to.create_database(name)) {
  source.exec("CREATE TABLE mark (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)");
}

StreamPair::~StreamPair() {
  const std::string of_source = " FROM pg_replication_slots WHERE database = '" + source.name() + "'";
  from.exec("postgres", "SELECT pg_terminate_backend(active_pid)" + of_source + " AND active");
  wait_until("nobody streams from " + source.name(),
             [&] { return from.scalar("postgres", "SELECT count(*)" + of_source + " AND active") == "0"; });
  from.exec("postgres", "SELECT pg_drop_replication_slot(slot_name)" + of_source);
}

api::Spec StreamPair::spec(api::Mode mode, const std::string& replication) const {
  api::Spec made = spec_between(source.uri(), target.uri());
  made.mode = mode;
  made.replication = replication;
  made.snapshot.keep_slot = !replication.empty();
  return made;
}

api::Report StreamPair::init(const std::string& replication) const {
  return snapshot(spec(api::Mode::snapshot_and_sync, replication));
}

void StreamPair::wait_until_applied() const {
  const std::string mark = source.scalar("INSERT INTO mark DEFAULT VALUES RETURNING id");
  wait_until("mark " + mark + " is on the target",
             [&] { return target.scalar("SELECT count(*) FROM mark WHERE id = " + mark) == "1"; });
}

std::string StreamPair::slots() const {
  return from.scalar("postgres", "SELECT count(*) FROM pg_replication_slots WHERE database = '" + source.name() + "'");
}

std::string state_of(const StreamPair& pair, const std::string& table) {
  return pair.target.scalar("SELECT max(stream) FROM _tributary.table_state WHERE table_name = '" + table + "'");
}

std::string reason_of(const StreamPair& pair, const std::string& table) {
  return pair.target.scalar("SELECT max(reason) FROM _tributary.table_state WHERE table_name = '" + table + "'");
}

void ask_for(const StreamPair& pair, const std::string& table) {
  pair.target.exec("UPDATE _tributary.table_state SET stream = 'recopy', reason = 'asked for' WHERE table_name = '" +
                   table + "'");
}

void wait_until_back(const StreamPair& pair, const std::string& table, const std::string& state) {
  wait_until(table + " is " + state, [&] { return state_of(pair, table) == state; });
}

Following::Following(const api::Spec& spec, Milliseconds look_every) {
  report_ = std::async(std::launch::async, [this, spec, look_every] {
    const auto servers = postgres::sync::make_sync_servers(spec, look_every);
    api::Report report =
        pipeline::run_sync(spec, *servers, pipeline::Manner::follow, board_, {Deadline::never(), stop_.get_token()});
    if (report.exit_code != api::ExitCode::done) log::error("the sync has ended", {{"message", report.message}});
    return report;
  });
}

Following::~Following() {
  stop_.request_stop();
}

api::Report Following::stop() {
  stop_.request_stop();
  return wait();
}

api::Report Following::wait() {
  if (report_.wait_for(Seconds{60}) != std::future_status::ready) throw std::runtime_error("the sync does not end");
  return report_.get();
}

api::StreamProgress Following::stream(const std::string& database) const {
  for (const api::DatabaseProgress& each : board_.snapshot().databases)
    if (each.name == database && each.stream) return *each.stream;
  return {};
}

}  // namespace tributary::testbed
