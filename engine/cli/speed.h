#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "engine/api/progress.h"
#include "engine/base/clock.h"

namespace tributary::cli {

// Bytes per second over the last ten seconds.
class Speed {
 public:
  void observe(SteadyTime now, std::uint64_t bytes);  // an amount below the last one begins anew
  double bytes_per_second() const;                    // 0 until two observations are a quarter of a second apart

 private:
  std::deque<std::pair<SteadyTime, std::uint64_t>> seen_;
};

// The speeds of everything in one Progress.
class Speeds {
 public:
  void observe(SteadyTime now, const api::Progress& progress);
  double overall() const { return overall_.bytes_per_second(); }
  double of(const std::string& database, const std::string& table) const;

 private:
  Speed overall_;
  std::map<std::pair<std::string, std::string>, Speed> tables_;  // those being copied now
};

// Bytes over all databases: copied, and estimated in total.
struct Volume {
  std::uint64_t copied = 0;
  std::uint64_t total = 0;
  std::uint64_t rows = 0;
  std::uint64_t tables_done = 0;
  std::uint64_t tables_total = 0;
};
Volume volume_of(const api::Progress& progress);

// Time that the rest takes at this speed, as text; "" where nothing is known or nothing is left.
std::string eta_text(std::uint64_t copied, std::uint64_t total, double bytes_per_second);

}  // namespace tributary::cli
