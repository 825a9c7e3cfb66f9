#include "engine/cli/repair_script.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/base/counted.h"
#include "engine/postgres/verify/repair_frame.h"

namespace tributary::cli {
namespace {

constexpr const char* heading =
    "-- Statements that would make the target's rows those of the source, for psql connected to the target's server.\n"
    "-- Read them before you run them: rows may have changed since both ends were compared.\n"
    "\\set ON_ERROR_STOP on\n";

Error unusable(const std::string& path, const std::string& why, std::string hint) {
  return {Fault::invalid, "--repair-sql: file " + path + " " + why, std::move(hint)};
}

// Of a link the file that it points to, so that it stays one.
Result<std::string> place_of(const std::string& path) {
  std::error_code problem;
  const std::filesystem::file_status there = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(there)) return path;
  if (!std::filesystem::is_regular_file(there))
    return unusable(path, "is no regular file", "name a file, or - for standard output");
  const std::filesystem::path real = std::filesystem::canonical(path, problem);
  if (problem) return unusable(path, "cannot be found: " + problem.message(), "check the path");
  return real.string();
}

std::string quoted(const std::string& text, char quote) {
  std::string all(1, quote);
  for (const char letter : text) {
    if (letter == quote) all += quote;
    all += letter;
  }
  return all + quote;
}

// A value of a libpq keyword string.
std::string value_of(const std::string& text) {
  std::string value = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') value += '\\';
    value += letter;
  }
  return value + "'";
}

// A new file of mode 0600 whose name begins with `name`, which becomes its whole name.
std::FILE* make_beside(std::string& name, const char* mode) {
  name += ".XXXXXX";
  const int descriptor = mkostemp(name.data(), O_CLOEXEC);
  return descriptor < 0 ? nullptr : fdopen(descriptor, mode);
}

bool copy(std::FILE* from, std::FILE* to) {
  std::array<char, 65536> bytes;
  while (const std::size_t size = std::fread(bytes.data(), 1, bytes.size(), from))
    if (std::fwrite(bytes.data(), 1, size, to) != size) return false;
  return std::ferror(from) == 0;
}

}  // namespace

// As a keyword string, since psql takes a name with = or :// in it for one.
Result<std::string> connect_lines(const std::string& database) {
  if (database.find_first_of(std::string("\n\r\0", 3)) != std::string::npos)
    return Error{Fault::invalid, "--repair-sql: the name of a database has a line break, which psql cannot be told",
                 "rename it, or leave it out of the selection"};
  return "\n\\connect -reuse-previous=on " + quoted("dbname=" + value_of(database), '"') + "\n";
}

Result<std::unique_ptr<RepairScript>> RepairScript::open(const std::string& path) {
  const bool is_file = path != "-";
  const std::string place = is_file ? TRY(place_of(path)) : "";
  std::string draft = place;
  std::FILE* const file = is_file ? make_beside(draft, "wb") : std::tmpfile();
  if (file == nullptr)
    return unusable(path, "cannot be made: " + std::string(std::strerror(errno)), "check the path and its permissions");
  std::unique_ptr<RepairScript> script(new RepairScript(place, std::move(draft), file));
  TRY(script->write(heading));
  return script;
}

RepairScript::~RepairScript() {
  if (file_ != nullptr) std::fclose(file_);
  if (!draft_.empty()) ::unlink(draft_.c_str());
}

Error RepairScript::failure(const char* what) const {
  const int cause = errno;
  const std::string name = path_.empty() ? "the script for standard output" : "file " + path_;
  return {Fault::failed, "--repair-sql: " + name + " cannot be " + what + ": " + std::strerror(cause),
          cause == ENOSPC || cause == EDQUOT ? "a statement for each row that differs needs room there" : ""};
}

Result<void> RepairScript::write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return failure("written");
  return {};
}

// On the disk that the script is for.
Result<std::FILE*> RepairScript::spool(Part part) {
  Spool& spool = spools_[part];
  if (spool) return spool.get();
  if (path_.empty()) {
    spool.reset(std::tmpfile());
  } else {
    std::string name = path_;
    spool.reset(make_beside(name, "wb+"));
    if (spool) ::unlink(name.c_str());
  }
  if (!spool) return failure("written");
  return spool.get();
}

Result<void> RepairScript::add(const Place& place, const Step& step) {
  const std::lock_guard lock(mutex_);
  if (place != place_) {
    TRY(write_place());
    place_ = place;
  }
  mended_[step.table] += step.mends;
  if (step.is_void) mended_.erase(step.table);
  if (step.sql.empty()) return {};
  std::FILE* const file = TRY(spool(step.part));
  const std::string line = (step.part == Part::remark ? "-- " : "") + step.sql + "\n";
  if (std::fwrite(line.data(), 1, line.size(), file) != line.size()) return failure("written");
  if (step.part == Part::remark) return {};
  ++statements_;
  if (!step.table.empty()) tables_.insert(step.table);
  return {};
}

Result<void> RepairScript::write_part(Part part, const char* heading) {
  const auto found = spools_.find(part);
  if (found == spools_.end()) return {};
  TRY(write(heading));
  std::FILE* const file = found->second.get();
  std::rewind(file);
  if (!copy(file, file_)) return failure("written");
  spools_.erase(found);
  return {};
}

// What has come for one database.
Result<void> RepairScript::write_place() {
  for (const auto& [table, mended] : std::exchange(mended_, {})) mended_before_ += mended;
  if (spools_.empty()) return {};
  const bool does_something = spools_.size() > spools_.count(Part::remark);
  TRY(write("\n"));
  TRY(write_part(Part::remark, ""));
  if (!does_something) return {};
  const std::string lines = TRY(connect_lines(place_.database));
  TRY(write(lines + postgres::verify::repair_settings(place_.encoding)));
  if (!tables_.empty()) {
    TRY(write(postgres::verify::begin_repair(tables_)));
    TRY(write_part(Part::respell, "\n-- Keys that are equal to the target and written in another way.\n"));
    TRY(write_part(Part::remove, "\n-- Rows that are too many, and those that are written anew below.\n"));
    TRY(write_part(Part::update, "\n-- Rows that differ.\n"));
    TRY(write_part(Part::insert, "\n-- Rows that are missing, or are written anew.\n"));
    TRY(write(postgres::verify::end_repair()));
    tables_.clear();
  }
  return write_part(Part::sequence, "\n-- Sequences that are behind.\n");
}

Result<void> RepairScript::finish(std::uint64_t differences) {
  const std::lock_guard lock(mutex_);
  TRY(write_place());
  unmended_ = differences > mended_before_ ? differences - mended_before_ : 0;
  TRY(write("\n-- " + counted(statements_, "statement") +
            (unmended_ > 0 ? "; not mended: " + counted(unmended_, "difference") : "") + "\n"));
  if (std::fflush(file_) != 0) return failure("written");
  is_whole_ = true;
  if (draft_.empty()) return {};
  if (fsync(fileno(file_)) != 0) return failure("written");
  if (std::rename(draft_.c_str(), path_.c_str()) != 0) return failure("put in its place");
  draft_.clear();
  return {};
}

Result<void> RepairScript::print() const {
  if (!path_.empty() || !is_whole_) return {};
  std::rewind(file_);
  if (!copy(file_, stdout) || std::fflush(stdout) != 0) return failure("written");
  return {};
}

}  // namespace tributary::cli
