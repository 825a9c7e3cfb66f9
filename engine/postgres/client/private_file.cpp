#include "engine/postgres/client/private_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <utility>

#include "engine/postgres/client/program.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t largest_key = 64 * 1024;
constexpr std::size_t kept_rotations = 4;

Error cause(const std::string& what) {
  return Error{Fault::invalid, what + ": " + std::strerror(errno)};
}

Result<std::string> read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return cause("cannot be read");
  std::string contents(largest_key + 1, '\0');
  file.read(contents.data(), static_cast<std::streamsize>(contents.size()));
  contents.resize(static_cast<std::size_t>(file.gcount()));
  if (contents.size() > largest_key) return Error{Fault::invalid, "is larger than 64 KiB"};
  return contents;
}

struct Rotation {
  std::string contents;
  MemoryFile file;
};

// Programs that we start reach it too, without having to inherit the descriptor.
std::string path_of(const MemoryFile& file) {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file.descriptor());
}

}  // namespace

Result<std::string> private_path(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return cause("cannot be read");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return path;

  static std::mutex mutex;
  static std::map<std::string, std::deque<Rotation>> files;  // per path, newest last; guarded by mutex
  std::string contents = TRY(read_all(path));
  const std::lock_guard lock(mutex);
  std::deque<Rotation>& rotations = files[path];
  if (rotations.empty() || rotations.back().contents != contents) {
    MemoryFile file = TRY(MemoryFile::create(contents));
    rotations.push_back({std::move(contents), std::move(file)});
    if (rotations.size() > kept_rotations) rotations.pop_front();
  }
  return path_of(rotations.back().file);
}

}  // namespace tributary::postgres
