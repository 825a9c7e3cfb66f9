#pragma once

#include <future>
#include <stop_token>
#include <string>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/pipeline/progress.h"
#include "engine/testing/postgres_server.h"

// A source that is followed into a target, inside the test's own process.
namespace tributary::testbed {

// Two new databases on the servers of these majors; a target of Flavour::replica is never on the source's own server.
// The slots of the source go with it.
struct StreamPair {
  StreamPair(const std::string& name, int source_major, int target_major, Flavour target_flavour = Flavour::logical);
  ~StreamPair();
  StreamPair(const StreamPair&) = delete;
  StreamPair& operator=(const StreamPair&) = delete;

  // Copies what the source holds and makes the stream.
  api::Report init(const std::string& replication = "uid-1") const;
  api::Spec spec(api::Mode mode, const std::string& replication = "uid-1") const;

  // Commits a mark on the source and waits until it is on the target: everything before it is then.
  void wait_until_applied() const;
  std::string slots() const;  // how many there are for the source

  PostgresServer& from;
  PostgresServer& to;
  Database source;
  Database target;
};

// What the target's ledger says of a table, whose name is given without its schema.
std::string state_of(const StreamPair& pair, const std::string& table);
std::string reason_of(const StreamPair& pair, const std::string& table);
// Has it copied again by whoever follows.
void ask_for(const StreamPair& pair, const std::string& table);
void wait_until_back(const StreamPair& pair, const std::string& table, const std::string& state = "followed");

// A sync that runs until it is stopped or ends by itself.
class Following {
 public:
  explicit Following(const api::Spec& spec, Milliseconds look_every = Seconds{60});
  ~Following();

  // Asks it to stop and waits.
  api::Report stop();
  // Waits until it has ended by itself.
  api::Report wait();
  const pipeline::ProgressBoard& board() const { return board_; }
  api::StreamProgress stream(const std::string& database) const;

 private:
  std::stop_source stop_;
  pipeline::ProgressBoard board_{""};
  std::future<api::Report> report_;
};

}  // namespace tributary::testbed
