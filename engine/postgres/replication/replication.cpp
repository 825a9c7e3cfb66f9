#include "engine/postgres/replication/replication.h"

#include <charconv>
#include <optional>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres {
namespace {

constexpr int first_major_with_streaming = 14;
constexpr std::size_t longest_history = 64 * 1024;

std::string replication_literal(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

std::string_view first_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::string_view first_word(std::string_view& line) {
  constexpr std::string_view blanks = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

std::optional<int> number_of(std::string_view digits) {
  int number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

Error malformed(const std::string& what) {
  return Error{Fault::failed, "the source's answer to " + what + " is malformed"};
}

}  // namespace

Result<SystemIdentity> identify_system(Connection& session, const Until& until) {
  const Rows rows = TRY(session.command("IDENTIFY_SYSTEM", until));
  if (rows.size() != 1 || rows.columns() < 3) return malformed("IDENTIFY_SYSTEM");
  const auto timeline = number_of(rows.text(0, 1));
  const auto end = model::parse_lsn(rows.text(0, 2));
  if (!timeline || !end) return malformed("IDENTIFY_SYSTEM");
  return SystemIdentity{rows.str(0, 0), *timeline, *end};
}

Result<std::vector<TimelineSwitch>> read_timeline_history(Connection& session, int timeline, const Until& until) {
  if (timeline <= 1) return std::vector<TimelineSwitch>{};
  const Rows rows = TRY(session.command("TIMELINE_HISTORY " + std::to_string(timeline), until));
  if (rows.size() != 1 || rows.columns() != 2) return malformed("TIMELINE_HISTORY");
  return parse_timeline_history(rows.text(0, 1));
}

Result<std::vector<TimelineSwitch>> parse_timeline_history(std::string_view file) {
  if (file.size() > longest_history) return malformed("TIMELINE_HISTORY");
  std::vector<TimelineSwitch> switches;
  while (!file.empty()) {
    std::string_view line = first_line(file);
    const std::string_view first = first_word(line);
    if (first.empty() || first.front() == '#') continue;
    const auto timeline = number_of(first);
    const auto end = model::parse_lsn(first_word(line));
    if (!timeline || !end || (!switches.empty() && *timeline <= switches.back().timeline))
      return malformed("TIMELINE_HISTORY");
    switches.push_back({*timeline, *end});
  }
  return switches;
}

int stream_protocol(int server_major) {
  return server_major >= first_major_with_streaming ? 2 : 1;
}

std::string start_replication_statement(const StreamRequest& request, int server_major) {
  std::string publications;
  for (const std::string& each : request.publications)
    publications += (publications.empty() ? "" : ",") + quote_identifier(each);
  const int protocol = stream_protocol(server_major);
  return "START_REPLICATION SLOT " + quote_identifier(request.slot) + " LOGICAL " + model::to_string(request.start) +
         " (proto_version '" + std::to_string(protocol) + "', publication_names " + replication_literal(publications) +
         (protocol > 1 ? ", streaming 'on'" : "") + ")";
}

Result<CopyBoth> start_replication(Connection& session, const StreamRequest& request, const Until& until) {
  return session.copy_both(start_replication_statement(request, session.major_version()), until);
}

}  // namespace tributary::postgres
