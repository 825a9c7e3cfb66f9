#include "engine/postgres/schema/pg_tools.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "engine/postgres/client/program.h"

namespace tributary::postgres {
namespace {

constexpr const char* debian_installations = "/usr/lib/postgresql";
constexpr Milliseconds version_limit{10000};

int leading_number(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<std::string> folders_of_path() {
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable == nullptr ? "" : variable;
  std::vector<std::string> folders;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0 && rest[0] == '/') folders.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return folders;
}

std::vector<std::string> folders_of_debian() {
  std::vector<std::pair<int, std::string>> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(debian_installations, error)) {
    found.emplace_back(leading_number(entry.path().filename().string()), entry.path() / "bin");
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> folders;
  for (auto& [major, folder] : found) folders.push_back(std::move(folder));
  return folders;
}

bool is_program(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  return !error && real.filename() != "pg_wrapper" && access(real.c_str(), X_OK) == 0;
}

// Nothing where the folder has no pg_dump or it does not run.
Result<std::optional<PgTools>> look_into(const std::string& folder, const Until& until) {
  PgTools tools{folder + "/pg_dump", 0, ""};
  if (!is_program(tools.pg_dump)) return std::optional<PgTools>();
  Program program;
  program.command = {tools.pg_dump, "--version"};
  program.output_limit = 4096;
  const Result<Output> printed = run(program, until.within(version_limit));
  if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while looking for pg_dump"};
  if (!printed || printed->status != 0) return std::optional<PgTools>();
  tools.version = parse_tool_version(printed->output);
  tools.major = leading_number(tools.version);
  if (tools.major == 0) return std::optional<PgTools>();
  return std::optional(std::move(tools));
}

}  // namespace

std::string parse_tool_version(std::string_view printed) {
  constexpr std::string_view mark = "(PostgreSQL) ";
  const std::size_t at = printed.find(mark);
  if (at == std::string_view::npos) return "";
  const std::string_view version = printed.substr(at + mark.size());
  const std::string text(version.substr(0, version.find_first_of(" \r\n")));
  return leading_number(text) > 0 ? text : "";
}

Result<std::vector<PgTools>> find_pg_tools(const Until& until) {
  std::vector<std::string> folders = folders_of_path();
  for (std::string& folder : folders_of_debian()) folders.push_back(std::move(folder));
  std::vector<PgTools> found;
  for (const std::string& folder : folders) {
    std::optional<PgTools> tools = TRY(look_into(folder, until));
    if (tools) found.push_back(std::move(*tools));
  }
  return found;
}

Result<PgTools> choose_pg_tools(const std::vector<PgTools>& found, int major) {
  const auto enough = [&](const PgTools& tools) { return tools.major >= major; };
  const auto chosen = std::find_if(found.begin(), found.end(), enough);
  if (chosen != found.end()) return *chosen;
  const std::string wanted = std::to_string(major);
  const std::string hint = "install the package postgresql-client-" + wanted + " or newer";
  if (found.empty()) return Error{Fault::invalid, "pg_dump is not found in PATH", hint};
  const auto older = [](const PgTools& a, const PgTools& b) { return a.major < b.major; };
  const PgTools& newest = *std::max_element(found.begin(), found.end(), older);
  return Error{Fault::invalid,
               "pg_dump " + newest.version + " cannot read a server of version " + wanted + ": " + newest.pg_dump +
                   " is the newest found",
               hint};
}

}  // namespace tributary::postgres
