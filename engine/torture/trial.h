#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/postgres/sync/testing/following.h"
#include "engine/testing/process.h"
#include "engine/testing/proxy.h"

// A source that the program `tributary` follows into a target, as a process that may die and over networks that may be
// cut. What goes wrong on the way throws, with the engine's own words.
namespace tributary::torture {

// What a verb came to.
struct Ended {
  int code;
  std::string output;
  std::string errors;
};

class Trial {
 public:
  // The target is a server of its own, that can be stopped and set back without the source.
  Trial(const std::string& name, int source_major, int target_major);

  // A verb of the program, to its end.
  Ended run(const std::string& verb, const std::vector<std::string>& flags = {}) const;
  // `tributary init --sync`, which is to succeed.
  void copy(const std::vector<std::string>& flags = {}) const;

  // `tributary sync`: begun; killed; ended by SIGTERM; ended by itself. The last two return its exit code.
  void start();
  void kill();
  int stop();
  int wait();
  void send(int signal) const { engine_->send(signal); }
  bool is_running() const { return engine_ && engine_->is_running(); }
  // What those that have ended have logged.
  const std::string& log() const { return log_; }

  // Whether the slot has been confirmed beyond what the target's ledger says that it holds.
  bool is_lost() const;
  // The tables that the ledger says are in this state, for a reason that matches: 'schema.a', 'schema.b'; "" for none.
  std::string tables_in(const std::string& state, const std::string& reason = "") const;

  testbed::StreamPair pair;
  testbed::Proxy source_network;
  testbed::Proxy target_network;

 private:
  std::vector<std::string> command(const std::string& verb, const std::vector<std::string>& flags) const;

  std::optional<testbed::Process> engine_;
  std::string log_;
};

// Nothing, or what differs between the rows and sequences of both ends, by SQL of the tests' own: but tables that the
// source has dropped and the engine tells of, and sequences that the target does not have.
std::string difference(const Trial& trial);

}  // namespace tributary::torture
