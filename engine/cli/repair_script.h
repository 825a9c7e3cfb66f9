#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "engine/base/result.h"
#include "engine/postgres/verify/verify.h"

namespace tributary::cli {

// Statements that would mend a target, as a script for psql; nothing here runs them. They are data. A file is written
// beside its place, readable by its owner alone, and takes its name, or another file's, only when it is whole; what
// was not finished is removed. Where a process is killed, FILE.XXXXXX stays.
class RepairScript {
 public:
  using Place = postgres::verify::RepairPlace;
  using Part = postgres::verify::RepairPart;
  using Step = postgres::verify::RepairStep;

  // `path`: a file, or "-" for standard output. Says at once what could not be written in the end.
  static Result<std::unique_ptr<RepairScript>> open(const std::string& path);
  ~RepairScript();

  // From any thread. What comes for one place in a row is one transaction.
  Result<void> add(const Place& place, const Step& step);
  // When all steps are there. `differences` is how many there are to be mended.
  Result<void> finish(std::uint64_t differences);
  // Writes a script that is finished to standard output if that is its place.
  Result<void> print() const;

  std::uint64_t statements() const { return statements_; }
  // Once it is finished: differences that none of them mends.
  std::uint64_t unmended() const { return unmended_; }

 private:
  // A file without a name.
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using Spool = std::unique_ptr<std::FILE, Close>;

  RepairScript(std::string path, std::string draft, std::FILE* file)
      : path_(std::move(path)), draft_(std::move(draft)), file_(file) {}
  Error failure(const char* what) const;
  Result<void> write(const std::string& text);
  Result<std::FILE*> spool(Part part);
  Result<void> write_part(Part part, const char* heading);
  Result<void> write_place();

  const std::string path_;  // "" for standard output
  std::string draft_;       // where the file is until it is whole, "" where it has no name
  std::FILE* file_;
  std::atomic<bool> is_whole_{false};
  std::mutex mutex_;  // guards what is below, and the file
  Place place_;
  std::map<Part, Spool> spools_;  // of the place, parts that have anything
  std::set<std::string> tables_;  // of the place
  std::uint64_t statements_ = 0;
  std::map<std::string, std::uint64_t> mended_;  // of the place, differences by table
  std::uint64_t mended_before_ = 0;              // of the places before it
  std::uint64_t unmended_ = 0;
};

// Pure: the lines by which psql goes on in a database. What psql cannot be told is an error.
Result<std::string> connect_lines(const std::string& database);

}  // namespace tributary::cli
