#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/replication/slot.h"
#include "engine/postgres/stream/logical_stream.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/postgres_server.h"

// A database with a publication of all its tables and a slot, and what a stream of it delivers, as lines of text.
namespace tributary::postgres::stream {

inline Until soon() {
  return {Deadline::after(Seconds(60)), {}};
}

inline std::string shown(model::Row row) {
  std::string text;
  for (const model::Value& value : row) {
    text += text.empty() ? "(" : ", ";
    if (value.kind == model::Value::Kind::null) text += "null";
    if (value.kind == model::Value::Kind::unchanged) text += "unchanged";
    if (value.kind == model::Value::Kind::text) text += "'" + std::string(value.bytes) + "'";
  }
  return text + ")";
}

inline std::string shown(const model::Event& event) {
  using Kind = model::Event::Kind;
  const auto table = [&] { return event.table->name.name; };
  switch (event.kind) {
    case Kind::begin:
      return "begin";
    case Kind::insert:
      return "insert " + table() + " " + shown(event.new_row);
    case Kind::update:
      return "update " + table() + " " + (event.old_row.empty() ? "" : shown(event.old_row) + " -> ") +
             shown(event.new_row);
    case Kind::remove:
      return "delete " + table() + " " + shown(event.old_row);
    case Kind::truncate: {
      std::string text = "truncate";
      for (const model::LogTable* each : event.truncated) text += " " + each->name.name;
      return text + (event.cascade ? " cascade" : "") + (event.restart_identity ? " restart" : "");
    }
    case Kind::commit:
      return "commit";
    case Kind::idle:
      return "idle";
  }
  std::abort();
}

class FollowedDatabase {
 public:
  explicit FollowedDatabase(testbed::PostgresServer& server)
      : server_(server), database_(server.create_database("Fol low-ed")), slot_("slot_of_" + id()) {
    database_.exec("CREATE PUBLICATION \"Pub, of 'x'\" FOR ALL TABLES");
    start_ = model::parse_lsn(
                 database_.scalar("SELECT lsn FROM pg_create_logical_replication_slot('" + slot_ + "', 'pgoutput')"))
                 .value();
  }
  ~FollowedDatabase() {
    try {
      testbed::wait_until("the slot is dropped", [&] {
        testbed::Session session(server_.uri("postgres"));
        session.sqlstate("SELECT pg_drop_replication_slot('" + slot_ + "')");
        return session.scalar("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + slot_ + "'") == "0";
      });
    } catch (const std::exception&) {  // The server is stopped: the slot goes with it.
    }
  }

  LogicalStream::Options options() const {
    LogicalStream::Options options;
    options.slot = slot_;
    options.publications = {"Pub, of 'x'"};
    options.start = start_;
    return options;
  }
  Result<std::unique_ptr<LogicalStream>> try_open(const LogicalStream::Options& options) const {
    return LogicalStream::open([&] { return parse_conninfo(database_.uri()); }, options, soon());
  }
  Connection replication_session() const {
    return open_replication_session(parse_conninfo(database_.uri()).value(), "test", soon()).value();
  }
  std::unique_ptr<LogicalStream> open(const LogicalStream::Options& options) const {
    auto opened = try_open(options);
    EXPECT_TRUE(opened) << opened.error().what;
    return std::move(opened).value();
  }
  std::unique_ptr<LogicalStream> open() const { return open(options()); }

  void exec(const std::string& sql) const { database_.exec(sql); }
  std::string scalar(const std::string& sql) const { return database_.scalar(sql); }
  model::Lsn end_of_log() const { return model::parse_lsn(scalar("SELECT pg_current_wal_flush_lsn()")).value(); }
  // "" where there is none.
  std::string of_slot(const std::string& column) const {
    return scalar("SELECT (SELECT " + column + " FROM pg_replication_slots WHERE slot_name = '" + slot_ + "')");
  }
  std::string of_sender(const std::string& column) const {
    return scalar("SELECT (SELECT " + column +
                  " FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid"
                  " WHERE s.slot_name = '" +
                  slot_ + "')");
  }
  const std::string& slot() const { return slot_; }
  const testbed::Database& database() const { return database_; }

 private:
  std::string id() const {
    std::string digits;
    for (const char c : database_.name())
      if (c >= '0' && c <= '9') digits += c;
    return digits;
  }
  testbed::PostgresServer& server_;
  testbed::Database database_;
  std::string slot_;
  model::Lsn start_;
};

// Takes batches until all that ended at or below `end` is there; gives each event to `heed`.
inline void take_until(LogicalStream& stream, model::Lsn end, const std::function<void(const model::Event&)>& heed) {
  const Until until = soon();
  for (model::Lsn reached; reached < end;) {
    const auto batch = stream.next(Milliseconds(1000), until);
    ASSERT_TRUE(batch) << batch.error().what;
    for (const model::Event& event : (*batch)->events()) {
      heed(event);
      using Kind = model::Event::Kind;
      if (event.kind == Kind::commit || event.kind == Kind::idle) reached = std::max(reached, event.end);
    }
  }
}

// What has happened up to now, without moments of rest and transactions that nothing is left of, which PostgreSQL 13
// and 14 send too.
struct Happened {
  std::vector<std::string> lines;
  std::vector<model::Lsn> ends;  // of the transactions
};
inline Happened happened(LogicalStream& stream, const FollowedDatabase& source) {
  Happened all;
  take_until(stream, source.end_of_log(), [&](const model::Event& event) {
    if (event.kind == model::Event::Kind::idle) return;
    const bool ends = event.kind == model::Event::Kind::commit;
    if (ends && all.lines.back() == "begin") return all.lines.pop_back();
    all.lines.push_back(shown(event));
    if (ends) all.ends.push_back(event.end);
  });
  return all;
}

// The error that ends the stream; what comes before is dropped.
inline Error end_of(LogicalStream& stream) {
  const Until until = soon();
  for (;;) {
    auto batch = stream.next(Milliseconds(1000), until);
    if (!batch) return batch.error();
  }
}

}  // namespace tributary::postgres::stream
