#include "engine/pipeline/testing/calls.h"

#include <algorithm>
#include <utility>

namespace tributary::pipeline::testing {

void Calls::fail(std::size_t number, Error error, Loss loss) {
  const std::lock_guard lock(mutex_);
  failures_at_[number] = {std::move(error), loss, 1};
}

void Calls::fail(const std::string& name, Error error, int times, Loss loss) {
  const std::lock_guard lock(mutex_);
  failures_of_[name] = {std::move(error), loss, times};
}

void Calls::before(std::size_t number, std::function<void()> act) {
  const std::lock_guard lock(mutex_);
  acts_at_[number] = std::move(act);
}

void Calls::before(const std::string& name, std::function<void()> act) {
  const std::lock_guard lock(mutex_);
  acts_of_[name] = std::move(act);
}

bool Calls::struck() const {
  const std::lock_guard lock(mutex_);
  return struck_;
}

std::size_t Calls::count() const {
  const std::lock_guard lock(mutex_);
  return number_;
}

std::vector<std::string> Calls::names() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

std::size_t Calls::count(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count(names_.begin(), names_.end(), name));
}

void Calls::complain(std::string what) {
  const std::lock_guard lock(mutex_);
  complaints_.push_back(std::move(what));
}

std::vector<std::string> Calls::complaints() const {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

void Calls::note(const std::string& name) {
  std::function<void()> act;
  {
    const std::lock_guard lock(mutex_);
    names_.push_back(name);
    if (auto due = acts_of_.extract(name)) act = due.mapped();
  }
  if (act) act();
}

std::optional<Calls::Failure> Calls::due(const std::string& name, std::size_t number) {
  if (const auto at = failures_at_.extract(number)) return at.mapped();
  const auto of = failures_of_.find(name);
  if (of == failures_of_.end() || of->second.times == 0) return std::nullopt;
  --of->second.times;
  return of->second;
}

Result<std::optional<Error>> Calls::enter(const std::string& name, const Until& until) {
  std::vector<std::function<void()>> acts;
  std::optional<Failure> failure;
  {
    const std::lock_guard lock(mutex_);
    names_.push_back(name);
    ++number_;
    if (auto act = acts_at_.extract(number_)) acts.push_back(act.mapped());
    if (auto act = acts_of_.extract(name)) acts.push_back(act.mapped());
    failure = due(name, number_);
    struck_ = struck_ || failure || !acts.empty();
  }
  for (const auto& act : acts) act();
  if (failure && failure->loss == Loss::call) return failure->error;
  if (until.stop.stop_requested()) return Error{Fault::cancelled, name + " was stopped"};
  if (until.deadline.passed()) return Error{Fault::transient, name + " took too long"};
  return failure ? std::optional<Error>(failure->error) : std::nullopt;
}

}  // namespace tributary::pipeline::testing
