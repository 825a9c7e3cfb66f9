#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <random>
#include <sstream>

#include "operator/torture/crowd.h"
#include "operator/torture/trial.h"

// Every fault of the catalogue in every moment of a life. TRIBUTARY_SEEDS says how many lives, TRIBUTARY_SEED lives
// once what that seed draws, with its log on standard error; the moments are never quite the same. TRIBUTARY_REPORT
// names a file for the table.
namespace tributary::torture {
namespace {

constexpr std::size_t faults = catalogue.size() - 1;  // `none` is the last

// Consecutive seeds draw all faults in all moments.
Script script_of(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const FaultKind fault = catalogue[seed % faults].fault;
  Moment moment = moments[seed / faults % moments.size()];
  if (!can_come(fault, moment)) moment = Moment::update;
  return {.plan = &plans()[random() % plans().size()], .fault = fault, .moment = moment, .seed = seed};
}

// Sanitized lives take their time: each fault once in each moment.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t usual_lives = faults * moments.size();
#else
constexpr std::size_t usual_lives = 400;
#endif

std::vector<std::uint64_t> seeds() {
  if (const char* one = std::getenv("TRIBUTARY_SEED")) return {std::stoull(one)};
  const char* count = std::getenv("TRIBUTARY_SEEDS");
  std::vector<std::uint64_t> drawn(count == nullptr ? usual_lives : std::stoul(count));
  std::uint64_t next = std::random_device{}();
  for (std::uint64_t& seed : drawn) seed = next++;
  return drawn;
}

struct Row {
  int came = 0, survived = 0, writes = 0;
};

std::string table_of(const std::map<FaultKind, Row>& rows, const std::map<const Plan*, Outcome>& calm) {
  std::ostringstream out;
  out << "| fault | what is done | came | survived | writes of a life |\n|---|---|---:|---:|---:|\n";
  int writes = 0;
  for (const auto& [plan, outcome] : calm) writes += outcome.writes;
  const auto each = [](int sum, int of) { return of == 0 ? 0 : (sum + of / 2) / of; };
  for (const Entry& entry : catalogue) {
    const auto found = rows.find(entry.fault);
    if (found == rows.end()) continue;
    const Row& row = found->second;
    out << "| `" << entry.name << "` | " << entry.what << (entry.leaves_jobs_out ? " *" : "") << " | " << row.came
        << " | " << row.survived << " | " << each(row.writes, row.came) << " |\n";
  }
  out << "| | nothing | " << calm.size() << " | " << calm.size() << " | " << each(writes, static_cast<int>(calm.size()))
      << " |\n";
  return out.str();
}

TEST(Matrix, every_fault_in_every_moment_of_a_life_comes_to_the_end_of_a_life_without) {
  const std::map<const Plan*, Outcome> calm = lives_without_faults();
  ASSERT_FALSE(::testing::Test::HasFailure());
  std::vector<Script> scripts;
  for (const std::uint64_t seed : seeds()) scripts.push_back(script_of(seed));
  std::cout << "TRIBUTARY_SEED=" << scripts.front().seed << " and the " << scripts.size() - 1 << " that follow"
            << std::endl;
  const std::vector<Outcome> outcomes = live_all(scripts, calm);
  std::map<FaultKind, Row> rows;
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    Row& row = rows[scripts[i].fault];
    if (!outcomes[i].came) continue;
    ++row.came;
    row.writes += outcomes[i].writes;
    if (outcomes[i].complaints.empty()) ++row.survived;
  }
  const std::string table = table_of(rows, calm);
  std::cout << table;
  if (const char* file = std::getenv("TRIBUTARY_REPORT")) std::ofstream(file) << table;
}

}  // namespace
}  // namespace tributary::torture
