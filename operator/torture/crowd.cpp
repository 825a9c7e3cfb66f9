#include "operator/torture/crowd.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <thread>

#include "engine/base/log.h"

namespace tributary::torture {
namespace {

// A life waits most of its time, but for programs that are sanitized.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t usual_crowd = 4;
#else
constexpr std::size_t usual_crowd = 12;
#endif

std::size_t at_a_time() {
  const char* count = std::getenv("TRIBUTARY_CROWD");
  return count == nullptr ? usual_crowd : std::stoul(count);
}

// Reads along while it lives.
class Censor {
 public:
  explicit Censor(bool shows) {
    log::start(log::Level::debug, log::Format::text);
    log::write_to([this, shows](std::string_view line) {
      if (line.find(planted) != std::string_view::npos) ++leaks_;
      if (shows) std::cerr << line << "\n";
    });
  }
  ~Censor() {
    log::flush();
    log::write_to({});
    EXPECT_EQ(leaks_, 0) << "lines of the log hold what stands in a Secret";
  }

 private:
  std::atomic<int> leaks_ = 0;
};

// Of one plan or another, until the fault comes.
Outcome live_until_it_comes(const Script& script, const std::map<const Plan*, Outcome>& calm) {
  Outcome outcome;
  const std::size_t most = script.fault == FaultKind::none ? 1 : plans().size();
  for (std::size_t tries = 0; tries < most; ++tries) {
    const Script next = next_try(script, static_cast<int>(tries));
    const auto expected = calm.find(next.plan);
    outcome = live(next, expected == calm.end() ? nullptr : &expected->second);
    outcome.plan = next.plan;
    if (outcome.came || !outcome.complaints.empty()) return outcome;
  }
  return outcome;
}

// A life may be over before its fault is due. One that never comes, or in one moment in none of several lives, is not
// tried.
void expect_all_came(const std::vector<Script>& scripts, const std::vector<Outcome>& outcomes) {
  struct Lives {
    int all = 0;
    int came = 0;
  };
  std::map<std::string, Lives> of_faults, of_moments;
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    if (scripts[i].fault == FaultKind::none) continue;
    const std::string fault(entry_of(scripts[i].fault).name);
    for (Lives* lives : {&of_faults[fault], &of_moments[fault + " at " + std::string(name_of(scripts[i].moment))]}) {
      ++lives->all;
      lives->came += outcomes[i].came ? 1 : 0;
    }
  }
  for (const auto& [fault, lives] : of_faults) EXPECT_GT(lives.came, 0) << fault << " came in no life";
  for (const auto& [fault, lives] : of_moments) {
    EXPECT_TRUE(lives.came > 0 || lives.all == 1) << fault << " came in none of " << lives.all << " lives";
  }
}

void report(const Script& script, const Outcome& outcome) {
  std::string story;
  for (const std::string& reason : outcome.reasons) story += reason + ", ";
  for (const std::string& complaint : outcome.complaints) {
    ADD_FAILURE() << "TRIBUTARY_SEED=" << script.seed << " " << entry_of(script.fault).name << " at "
                  << name_of(script.moment) << " of '" << outcome.plan->name << "'"
                  << (script.kill_after < 0 ? "" : ", killed after write " + std::to_string(script.kill_after)) << ": "
                  << complaint << "\n  " << story;
  }
}

}  // namespace

std::vector<Outcome> live_all(const std::vector<Script>& scripts, const std::map<const Plan*, Outcome>& calm) {
  const Censor censor(scripts.size() == 1);
  std::vector<Outcome> outcomes(scripts.size());
  std::atomic<std::size_t> next = 0;
  {
    std::vector<std::jthread> crowd;
    for (std::size_t i = 0; i < std::min(at_a_time(), scripts.size()); ++i) {
      crowd.emplace_back([&] {
        for (std::size_t mine = next++; mine < scripts.size(); mine = next++) {
          outcomes[mine] = live_until_it_comes(scripts[mine], calm);
        }
      });
    }
  }
  for (std::size_t i = 0; i < scripts.size(); ++i) report(scripts[i], outcomes[i]);
  expect_all_came(scripts, outcomes);
  return outcomes;
}

std::map<const Plan*, Outcome> lives_without_faults() {
  std::vector<Script> scripts;
  for (const Plan& plan : plans()) scripts.push_back({.plan = &plan});
  std::vector<Outcome> outcomes = live_all(scripts, {});
  std::map<const Plan*, Outcome> calm;
  for (std::size_t i = 0; i < scripts.size(); ++i) calm[scripts[i].plan] = std::move(outcomes[i]);
  return calm;
}

}  // namespace tributary::torture
