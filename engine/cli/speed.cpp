#include "engine/cli/speed.h"

#include "engine/cli/duration.h"

namespace tributary::cli {
namespace {

constexpr Milliseconds window{10'000};
constexpr Milliseconds shortest{250};
constexpr double longest_eta = 30.0 * 24 * 3600;

}  // namespace

void Speed::observe(SteadyTime now, std::uint64_t bytes) {
  if (!seen_.empty() && bytes < seen_.back().second) seen_.clear();
  seen_.emplace_back(now, bytes);
  while (seen_.size() > 2 && now - seen_[1].first >= window) seen_.pop_front();
}

double Speed::bytes_per_second() const {
  if (seen_.empty() || seen_.back().first - seen_.front().first < shortest) return 0;
  const std::chrono::duration<double> span = seen_.back().first - seen_.front().first;
  return static_cast<double>(seen_.back().second - seen_.front().second) / span.count();
}

void Speeds::observe(SteadyTime now, const api::Progress& progress) {
  overall_.observe(now, volume_of(progress).copied);
  std::map<std::pair<std::string, std::string>, Speed> active;
  for (const api::DatabaseProgress& database : progress.databases) {
    for (const api::TableProgress& table : database.active) {
      auto node = tables_.extract({database.name, table.name});
      Speed speed = node ? std::move(node.mapped()) : Speed();
      speed.observe(now, table.bytes);
      active.emplace(std::pair(database.name, table.name), std::move(speed));
    }
  }
  tables_ = std::move(active);
}

double Speeds::of(const std::string& database, const std::string& table) const {
  const auto found = tables_.find({database, table});
  return found == tables_.end() ? 0 : found->second.bytes_per_second();
}

Volume volume_of(const api::Progress& progress) {
  Volume volume;
  for (const api::DatabaseProgress& database : progress.databases) {
    volume.copied += database.bytes_copied;
    volume.total += database.bytes_total;
    volume.rows += database.rows_copied;
    volume.tables_done += database.tables_done;
    volume.tables_total += database.tables_total;
  }
  return volume;
}

std::string eta_text(std::uint64_t copied, std::uint64_t total, double bytes_per_second) {
  if (total <= copied || bytes_per_second <= 0) return "";
  const double seconds = static_cast<double>(total - copied) / bytes_per_second;
  if (seconds > longest_eta) return "";
  return duration_text(Seconds(static_cast<Seconds::rep>(seconds) + 1));
}

}  // namespace tributary::cli
