#include "operator/kube/process.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace tributary::kube {
namespace {

// The fields of /proc/self/stat from the third on: the second, the command, may hold blanks and brackets.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t command_end = line.rfind(')');
  std::istringstream words(command_end == std::string::npos ? "" : line.substr(command_end + 1));
  std::vector<std::string> fields;
  for (std::string word; words >> word;) fields.push_back(word);
  return fields;
}

// Seconds since the epoch at which the machine began to count.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> open_files() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; !error && each != end;
       each.increment(error)) {
    ++count;
  }
  if (error || count == 0) return std::nullopt;
  return count - 1;  // the one that reads the directory
}

std::optional<std::uint64_t> limit_of(__rlimit_resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return std::nullopt;
  return limit.rlim_cur;
}

}  // namespace

ProcessFigures process_figures() {
  // By proc(5), counted from the third field: utime, stime, starttime, vsize, rss.
  constexpr std::size_t utime = 11, stime = 12, starttime = 19, vsize = 20, rss = 21;
  ProcessFigures figures{
      .most_virtual_bytes = limit_of(RLIMIT_AS), .open_files = open_files(), .most_files = limit_of(RLIMIT_NOFILE)};
  const std::vector<std::string> fields = stat_fields();
  if (fields.size() <= rss) return figures;
  const auto number = [&](std::size_t i) { return std::strtoull(fields[i].c_str(), nullptr, 10); };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  figures.cpu_seconds = static_cast<double>(number(utime) + number(stime)) / ticks;
  if (const auto booted = boot_time()) figures.start_time = *booted + static_cast<double>(number(starttime)) / ticks;
  figures.virtual_bytes = number(vsize);
  figures.resident_bytes = number(rss) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return figures;
}

// Each arena keeps what its threads have freed, and the C library makes eight for each core. A fixed threshold stays
// where it is; by itself it grows to the size of the largest answer, which then stays on the heap.
void keep_memory_low() {
  constexpr int arenas = 2;
  constexpr int threshold = 128 << 10;
  mallopt(M_ARENA_MAX, arenas);
  mallopt(M_MMAP_THRESHOLD, threshold);
  mallopt(M_TRIM_THRESHOLD, threshold);
}

void return_free_memory() {
  malloc_trim(0);
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "tributary-operator";
}

}  // namespace tributary::kube
