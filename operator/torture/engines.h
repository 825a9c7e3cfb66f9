#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "operator/replication/listen.h"
#include "operator/replication/releaser.h"

namespace tributary::torture {

// Stands for all engines and for the source that they meet: who serves at which address, what the source keeps for
// whom, and how many copies were made. Thread-safe.
class Engines {
 public:
  enum class Verb { init, sync, release, verify };
  struct Engine {
    Verb verb = Verb::init;
    bool holds_only = false;  // a paused stream
    bool keeps_slot = false;  // a copy that a stream goes on from
    std::string identity = {};
    bool told = false;  // to release
  };
  // What they answer.
  enum class Manner { honest, silent, for_another };

  void begin(const std::string& ip, const Engine& engine);
  // It comes to its end by itself; the exit code.
  int finish(const std::string& ip);
  // It is ended.
  void end(const std::string& ip);
  void behave(Manner manner);

  // Whether the source keeps anything for a Replication of this UID.
  bool holds(const std::string& identity) const;
  int copies() const;
  int muted() const;  // questions and orders that were not answered honestly

  replication::AskEngine ask();
  replication::TellEngine tell();

 private:
  Result<api::Progress> progress_of(const std::string& ip) const;
  Result<int> order(const std::string& ip);

  mutable std::mutex mutex_;
  std::map<std::string, Engine> engines_;
  std::set<std::string> slots_;
  int copies_ = 0;
  mutable int muted_ = 0;
  Manner manner_ = Manner::honest;
};

}  // namespace tributary::torture
