#include "engine/cli/view.h"

#include <algorithm>

#include "engine/base/counted.h"
#include "engine/cli/stream_view.h"
#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

constexpr std::size_t bar_width = 20;
constexpr std::size_t longest_name = 48;
constexpr std::size_t reserved_lines = 2;  // for the prompt and a log line

// What is copied may exceed the estimate; 100 is said by `done` alone.
int percent_of(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return 0;
  return static_cast<int>(std::min(99.0, 100.0 * static_cast<double>(part) / static_cast<double>(whole)));
}

std::string right(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

std::string bar(int percent) {
  const std::size_t full = bar_width * static_cast<std::size_t>(std::clamp(percent, 0, 100)) / 100;
  return "[" + std::string(full, '#') + std::string(bar_width - full, '-') + "]";
}

std::string of_total(std::uint64_t copied, std::uint64_t total) {
  const std::string text = bytes_text(copied);
  return total == 0 ? text : text + " of " + bytes_text(std::max(copied, total));
}

std::string speed_text(double bytes_per_second) {
  return bytes_per_second > 0 ? bytes_text(bytes_per_second) + "/s" : "";
}

// The parts that say something, with commas between.
std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) {
    if (!part.empty()) all += (all.empty() ? "" : ", ") + part;
  }
  return all;
}

std::string left_text(const std::string& eta) {
  return eta.empty() ? "" : eta + " left";
}

std::string table_line(const std::string& name, std::size_t name_width, const api::TableProgress& table, double speed) {
  const int percent = table.done ? 100 : percent_of(table.bytes, table.bytes_total);
  const std::string eta = eta_text(table.bytes, table.bytes_total, speed);
  return "  " + fit(name, name_width) + "  " + bar(percent) + right(std::to_string(percent), 4) + "%  " +
         right(count_text(table.rows), 13) + " rows  " + right(speed_text(speed), 9) + "  " + left_text(eta);
}

struct ActiveTable {
  std::string name;
  const api::TableProgress* table;
  double speed;
};

std::vector<ActiveTable> active_tables(const api::Progress& progress, const Speeds& speeds) {
  std::vector<ActiveTable> all;
  for (const api::DatabaseProgress& database : progress.databases) {
    for (const api::TableProgress& table : database.active)
      all.push_back({printable(database.name + "." + table.name), &table, speeds.of(database.name, table.name)});
  }
  return all;
}

std::string following_text(const api::Progress& progress) {
  std::vector<std::string> parts;
  for (const api::DatabaseProgress& database : progress.databases)
    if (database.stream) parts.push_back(stream_line(database));
  return parts.empty() ? api::word_of(progress.phase) : joined(parts);
}

}  // namespace

std::string summary(const api::Progress& progress, const Speeds& speeds) {
  if (progress.phase == api::Phase::following) return following_text(progress);
  const Volume volume = volume_of(progress);
  std::string first = api::word_of(progress.phase);
  if (progress.phase >= api::Phase::copying) first += " " + std::to_string(progress.percent) + "%";
  std::vector<std::string> parts = {first};
  if (volume.tables_total > 0) {
    const bool reads = progress.phase == api::Phase::copying || progress.phase == api::Phase::comparing;
    const double speed = reads ? speeds.overall() : 0;
    parts.push_back(count_text(volume.tables_done) + " of " + count_text(volume.tables_total) + " tables");
    parts.push_back(count_text(volume.rows) + " rows");
    parts.push_back(of_total(volume.copied, volume.total));
    parts.push_back(speed_text(speed));
    parts.push_back(left_text(eta_text(volume.copied, volume.total, speed)));
  }
  return joined(parts);
}

std::vector<std::string> view(const api::Progress& progress, const Speeds& speeds, Screen screen) {
  const std::size_t width = screen.width - std::min<std::size_t>(screen.width, 1);  // the last column may wrap
  std::vector<std::string> lines = {cut(summary(progress, speeds), width)};
  if (!progress.message.empty()) lines.push_back(cut("  " + printable(progress.message), width));
  const std::vector<ActiveTable> tables = active_tables(progress, speeds);
  std::size_t name_width = 0;
  for (const ActiveTable& one : tables) name_width = std::max(name_width, display_width(one.name));
  name_width = std::min(name_width, longest_name);
  const std::size_t room = screen.height - std::min(screen.height, lines.size() + reserved_lines);
  const std::size_t shown = tables.size() <= room ? tables.size() : room - std::min<std::size_t>(room, 1);
  for (std::size_t i = 0; i < shown; ++i)
    lines.push_back(cut(table_line(tables[i].name, name_width, *tables[i].table, tables[i].speed), width));
  if (shown < tables.size() && room > 0)
    lines.push_back(cut("  and " + std::to_string(tables.size() - shown) + " more", width));
  return lines;
}

}  // namespace tributary::cli
