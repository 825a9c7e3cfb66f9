#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "engine/base/result.h"

namespace tributary::postgres::pgoutput {

// A temporary file without a name, of this user alone, which goes with the process. Made in `directory` when it is
// first written to. Errors are Fault::failed and name the directory and the cause. For one thread.
class SpoolFile {
 public:
  explicit SpoolFile(std::string directory) : directory_(std::move(directory)) {}
  SpoolFile(SpoolFile&& other) noexcept;
  SpoolFile& operator=(SpoolFile&&) = delete;
  ~SpoolFile();

  std::uint64_t size() const { return size_; }
  Result<void> append(std::span<const std::byte> bytes);
  // Forgets what lies at `size` and behind.
  Result<void> cut(std::uint64_t size);
  // Fills `into` from `offset` on; all of it must be there.
  Result<void> read(std::uint64_t offset, std::span<std::byte> into) const;

 private:
  Result<void> create();
  Error failure(const char* what) const;

  std::string directory_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace tributary::postgres::pgoutput
