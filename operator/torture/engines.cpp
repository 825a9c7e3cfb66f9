#include "operator/torture/engines.h"

#include "operator/replication/testing/scene.h"

namespace tributary::torture {

void Engines::begin(const std::string& ip, const Engine& engine) {
  const std::lock_guard lock(mutex_);
  engines_[ip] = engine;
  if (engine.verb == Verb::init) slots_.insert(engine.identity);
}

int Engines::finish(const std::string& ip) {
  constexpr int lost_position = 4;
  const std::lock_guard lock(mutex_);
  const Engine engine = engines_[ip];
  engines_.erase(ip);
  switch (engine.verb) {
    case Verb::init:
      ++copies_;
      if (!engine.keeps_slot) slots_.erase(engine.identity);
      return 0;
    case Verb::release:
      slots_.erase(engine.identity);
      return 0;
    case Verb::sync:
      return slots_.contains(engine.identity) ? 0 : lost_position;
    case Verb::verify:
      return 0;
  }
  std::abort();
}

void Engines::end(const std::string& ip) {
  const std::lock_guard lock(mutex_);
  engines_.erase(ip);
}

void Engines::behave(Manner manner) {
  const std::lock_guard lock(mutex_);
  manner_ = manner;
}

bool Engines::holds(const std::string& identity) const {
  const std::lock_guard lock(mutex_);
  return slots_.contains(identity);
}

int Engines::copies() const {
  const std::lock_guard lock(mutex_);
  return copies_;
}

int Engines::muted() const {
  const std::lock_guard lock(mutex_);
  return muted_;
}

replication::AskEngine Engines::ask() {
  return [this](const std::string& ip, std::stop_token) { return progress_of(ip); };
}

replication::TellEngine Engines::tell() {
  return [this](const std::string& ip, const std::string&, bool, Until) { return order(ip); };
}

Result<api::Progress> Engines::progress_of(const std::string& ip) const {
  const std::lock_guard lock(mutex_);
  if (manner_ != Manner::honest) ++muted_;
  const auto found = engines_.find(ip);
  if (found == engines_.end() || manner_ == Manner::silent) return Error{Fault::transient, "no answer"};
  const Engine& engine = found->second;
  api::Progress progress = engine.verb != Verb::sync ? replication::testing::copying(50)
                           : engine.holds_only       ? replication::testing::holding()
                                                     : replication::testing::following(0);
  progress.replication = manner_ == Manner::for_another ? "somebody else" : engine.identity;
  return progress;
}

// The first time it is only heard.
Result<int> Engines::order(const std::string& ip) {
  const std::lock_guard lock(mutex_);
  if (manner_ != Manner::honest) ++muted_;
  const auto found = engines_.find(ip);
  if (found == engines_.end() || manner_ == Manner::silent) return Error{Fault::transient, "no answer"};
  if (manner_ == Manner::for_another) return 403;
  if (!std::exchange(found->second.told, true)) return 202;
  slots_.erase(found->second.identity);
  return 200;
}

}  // namespace tributary::torture
