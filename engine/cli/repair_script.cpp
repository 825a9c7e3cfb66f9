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

}  // namespace

// As a keyword string, since psql takes a name with = or :// in it for one.
Result<std::string> connect_lines(const std::string& database) {
  if (database.find_first_of(std::string("\n\r\0", 3)) != std::string::npos)
    return Error{Fault::invalid, "--repair-sql: the name of a database has a line break, which psql cannot be told",
                 "rename it, or leave it out of the selection"};
  return "\n\\connect -reuse-previous=on " + quoted("dbname=" + value_of(database), '"') +
         "\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n";
}

Result<std::unique_ptr<RepairScript>> RepairScript::open(const std::string& path) {
  const bool is_file = path != "-";
  const std::string place = is_file ? TRY(place_of(path)) : "";
  std::string draft = is_file ? place + ".XXXXXX" : "";
  std::FILE* file = nullptr;
  if (is_file) {
    const int descriptor = mkostemp(draft.data(), O_CLOEXEC);  // mode 0600
    if (descriptor >= 0) file = fdopen(descriptor, "wb");
  } else {
    file = std::tmpfile();
  }
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

Result<void> RepairScript::add(const std::string& database, const std::string& statement) {
  const std::lock_guard lock(mutex_);
  if (statements_ == 0 || database != database_) {
    const std::string lines = TRY(connect_lines(database));
    TRY(write(lines));
    database_ = database;
  }
  ++statements_;
  return write(statement + "\n");
}

Result<void> RepairScript::finish() {
  const std::lock_guard lock(mutex_);
  TRY(write("\n-- " + counted(statements_, "statement") + "\n"));
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
  std::array<char, 65536> bytes;
  while (const std::size_t size = std::fread(bytes.data(), 1, bytes.size(), file_))
    if (std::fwrite(bytes.data(), 1, size, stdout) != size) return failure("written");
  if (std::ferror(file_) != 0 || std::fflush(stdout) != 0) return failure("written");
  return {};
}

}  // namespace tributary::cli
