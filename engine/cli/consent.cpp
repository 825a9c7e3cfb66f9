#include "engine/cli/consent.h"

#include <unistd.h>

#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

// Blanks around the word and its case mean nothing.
bool is_yes(const std::string& answer) {
  std::string word;
  for (const char c : answer) {
    if (c != ' ' && c != '\t' && c != '\r') word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return word == "yes";
}

}  // namespace

bool must_ask(const Options& options) {
  const bool drops = options.spec.snapshot.on_target_not_empty == api::OnTargetNotEmpty::drop;
  return drops && !options.yes && !options.dry_run && !options.from_spec_file;
}

bool is_drop(const api::Finding& finding) {
  return finding.code == "TargetWillBeDropped";
}

std::vector<std::string> drops_of(const std::vector<api::Finding>& findings) {
  std::vector<std::string> drops;
  for (const api::Finding& finding : findings) {
    if (is_drop(finding)) drops.push_back(finding.subject + ": " + finding.message);
  }
  return drops;
}

Result<void> check_can_ask() {
  if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1) return {};
  return Error{Fault::invalid, "--drop-existing asks before it drops, and there is no terminal to ask on",
               "add --yes to drop without being asked, or look first with --dry-run"};
}

Result<void> ask(const std::vector<std::string>& drops, std::istream& in, std::ostream& out) {
  out << "What is dropped on the target cannot be brought back:\n";
  for (const std::string& drop : drops) out << "  " << printable(drop) << "\n";
  out << "Type the word yes to drop this and copy: " << std::flush;
  std::string answer;
  std::getline(in, answer);
  if (is_yes(answer)) return {};
  return Error{Fault::invalid, "not confirmed, nothing was changed", "answer yes, or add --yes"};
}

}  // namespace tributary::cli
