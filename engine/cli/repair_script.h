#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include "engine/base/result.h"

namespace tributary::cli {

// Statements that would mend a target, as a script for psql; nothing here runs them. They are data. A file is written
// beside its place, readable by its owner alone, and takes its name, or another file's, only when it is whole; what
// was not finished is removed. Where a process is killed, FILE.XXXXXX stays.
class RepairScript {
 public:
  // `path`: a file, or "-" for standard output. Says at once what could not be written in the end.
  static Result<std::unique_ptr<RepairScript>> open(const std::string& path);
  ~RepairScript();

  // From any thread. `database` is the target's name of it; `statement` is in UTF-8 and has its semicolon.
  Result<void> add(const std::string& database, const std::string& statement);
  // When all statements are there.
  Result<void> finish();
  // Writes a script that is finished to standard output if that is its place.
  Result<void> print() const;

  std::uint64_t statements() const { return statements_; }

 private:
  RepairScript(std::string path, std::string draft, std::FILE* file)
      : path_(std::move(path)), draft_(std::move(draft)), file_(file) {}
  Error failure(const char* what) const;
  Result<void> write(const std::string& text);

  const std::string path_;  // "" for standard output
  std::string draft_;       // where the file is until it is whole, "" where it has no name
  std::FILE* file_;
  std::atomic<bool> is_whole_{false};
  std::mutex mutex_;  // guards what is below, and the file
  std::string database_;
  std::uint64_t statements_ = 0;
};

// Pure: the lines by which psql goes on in a database. What psql cannot be told is an error.
Result<std::string> connect_lines(const std::string& database);

}  // namespace tributary::cli
