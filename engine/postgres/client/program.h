#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"

// Runs a program to its end. It gets nothing to read, a group of its own, and never outlives us: it is killed and
// reaped when the Until ends the call, and by the kernel when the calling thread dies.
namespace tributary::postgres {

// A file in memory that has no name: a program that we start reads it at path(), nobody else can, and it is gone
// with this object, even after kill -9. For what must stand neither in arguments nor in the environment.
class MemoryFile {
 public:
  static Result<MemoryFile> create(const std::string& contents);
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile();

  int descriptor() const { return descriptor_; }
  // Valid in a program to which run() passes the file on.
  std::string path() const;

 private:
  explicit MemoryFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

struct Program {
  std::vector<std::string> command;                   // the path first
  std::vector<std::string> environment;               // NAME=value, added to ours
  std::vector<const MemoryFile*> files;               // that it may read; borrowed for the call
  std::size_t output_limit = 1024UL * 1024UL * 1024;  // more is an Error
};

struct Output {
  int status = 0;      // exit status; 128 + the signal that ended it
  std::string output;  // standard output, whole
  std::string errors;  // the end of standard error
};

Result<Output> run(const Program& program, const Until& until);

}  // namespace tributary::postgres
