#include "engine/postgres/pgoutput/spool_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tributary::postgres::pgoutput {

SpoolFile::SpoolFile(SpoolFile&& other) noexcept
    : directory_(std::move(other.directory_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)) {}

SpoolFile::~SpoolFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Error SpoolFile::failure(const char* what) const {
  const int cause = errno;
  Error error{Fault::failed, "a large transaction in progress cannot be " + std::string(what) + " in " + directory_ +
                                 ": " + std::strerror(cause)};
  if (cause == ENOSPC || cause == EDQUOT || cause == EFBIG) {
    error.hint = "it needs as much room there as the changes of the source's largest open transactions";
  }
  return error;
}

// mkostemp gives mode 0600. O_TMPFILE is not for every file system.
Result<void> SpoolFile::create() {
  std::string path = directory_ + "/tributary-spool-XXXXXX";
  descriptor_ = mkostemp(path.data(), O_CLOEXEC);
  if (descriptor_ < 0) return failure("kept");
  if (unlink(path.c_str()) != 0) return failure("kept");
  return {};
}

Result<void> SpoolFile::append(std::span<const std::byte> bytes) {
  if (descriptor_ < 0) TRY(create());
  while (!bytes.empty()) {
    const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure("kept");
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> SpoolFile::cut(std::uint64_t size) {
  if (size >= size_) return {};
  while (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return failure("cut");
  }
  size_ = size;
  return {};
}

Result<void> SpoolFile::read(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t got = pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("read back");
    if (got == 0) return Error{Fault::failed, "a large transaction in progress ends early in " + directory_};
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace tributary::postgres::pgoutput
