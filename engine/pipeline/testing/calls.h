#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"

namespace tributary::pipeline::testing {

// Every call that the fakes of one world get, numbered from 1, and what goes wrong at which of them. Also where they
// complain about a caller that breaks their contract. Any thread.
class Calls {
 public:
  enum class Loss { call, answer };  // nothing happened; or it happened, and only the answer was lost

  // The call of this number fails.
  void fail(std::size_t number, Error error, Loss loss = Loss::call);
  // The next `times` calls of this name fail.
  void fail(const std::string& name, Error error, int times = 1, Loss loss = Loss::call);
  // Runs `act` on the calling thread right before the call of this number, or before the next of this name.
  void before(std::size_t number, std::function<void()> act);
  void before(const std::string& name, std::function<void()> act);

  // A failure or an act was due and took place.
  bool struck() const;
  std::size_t count() const;
  std::vector<std::string> names() const;  // in order
  std::size_t count(const std::string& name) const;

  void complain(std::string what);
  std::vector<std::string> complaints() const;

  // One call of a fake: `body` returns a Result. A stop or a passed deadline fails it as the contract of Until says.
  template <class Body>
  auto run(const std::string& name, const Until& until, Body&& body) -> decltype(body()) {
    const std::optional<Error> lost = TRY(enter(name, until));
    auto result = body();
    if (result && lost) return *lost;
    return result;
  }
  // One that cannot fail; it has a name but no number.
  void note(const std::string& name);

 private:
  struct Failure {
    Error error;
    Loss loss = Loss::call;
    int times = 1;
  };
  // The error by which the answer is to be lost, if it is.
  Result<std::optional<Error>> enter(const std::string& name, const Until& until);
  std::optional<Failure> due(const std::string& name, std::size_t number);

  mutable std::mutex mutex_;  // guards everything below
  std::vector<std::string> names_;
  std::size_t number_ = 0;
  std::map<std::size_t, Failure> failures_at_;
  std::map<std::string, Failure> failures_of_;
  std::map<std::size_t, std::function<void()>> acts_at_;
  std::map<std::string, std::function<void()>> acts_of_;
  std::vector<std::string> complaints_;
  bool struck_ = false;
};

}  // namespace tributary::pipeline::testing
