#include "engine/postgres/private_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

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

// A memory file; closed with its owner.
class MemoryFile {
 public:
  static Result<MemoryFile> create(std::string contents) {
    MemoryFile file(std::move(contents));
    file.descriptor_ = memfd_create("tls.key", MFD_CLOEXEC);
    if (file.descriptor_ < 0) return cause("no memory file for it");
    if (fchmod(file.descriptor_, S_IRUSR | S_IWUSR) != 0) return cause("no private memory file for it");
    const ssize_t written = write(file.descriptor_, file.contents_.data(), file.contents_.size());
    if (written != static_cast<ssize_t>(file.contents_.size())) return cause("no memory for it");
    return file;
  }
  MemoryFile(MemoryFile&& other) noexcept
      : contents_(std::move(other.contents_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  bool holds(const std::string& contents) const { return contents_ == contents; }
  std::string path() const { return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_); }

 private:
  explicit MemoryFile(std::string contents) : contents_(std::move(contents)) {}
  std::string contents_;
  int descriptor_ = -1;
};

}  // namespace

Result<std::string> private_path(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return cause("cannot be read");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return path;

  static std::mutex mutex;
  static std::map<std::string, std::deque<MemoryFile>> files;  // per path, newest last; guarded by mutex
  std::string contents = TRY(read_all(path));
  const std::lock_guard lock(mutex);
  std::deque<MemoryFile>& rotations = files[path];
  if (rotations.empty() || !rotations.back().holds(contents)) {
    rotations.push_back(TRY(MemoryFile::create(std::move(contents))));
    if (rotations.size() > kept_rotations) rotations.pop_front();
  }
  return rotations.back().path();
}

}  // namespace tributary::postgres
