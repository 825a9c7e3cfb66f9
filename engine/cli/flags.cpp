#include "engine/cli/flags.h"

#include <charconv>
#include <cstdint>
#include <fstream>

#include "engine/cli/duration.h"

namespace tributary::cli {
namespace {

constexpr std::size_t secret_file_limit = 64 * 1024;
constexpr std::size_t spec_file_limit = 1024 * 1024;
constexpr int most_copy_streams = 64;

Error invalid(std::string what, std::string hint = "") {
  return {Fault::invalid, std::move(what), std::move(hint)};
}

Result<std::string> read_file(const std::string& flag, const std::string& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary);
  std::string text(limit + 1, '\0');
  if (!file) return invalid(flag + ": file " + path + " cannot be opened", "check the path and its permissions");
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) return invalid(flag + ": file " + path + " cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > limit)
    return invalid(flag + ": file " + path + " is larger than " + std::to_string(limit) + " bytes");
  return text;
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// What kind of source a URI means, by its scheme. Keyword strings have none and are PostgreSQL.
Result<void> check_scheme(const std::string& flag, const std::string& uri) {
  const auto end = uri.find("://");
  if (end == std::string::npos || uri.find('=') < end) return {};
  const std::string scheme = uri.substr(0, end);
  if (scheme == "postgresql" || scheme == "postgres") return {};
  if (scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz+") != std::string::npos)
    return invalid(flag + ": the text before :// is not a scheme",
                   "write it like postgresql://user@host:5432/database");
  return invalid(flag + ": " + scheme + ":// is not supported by this version", "sources and targets are PostgreSQL");
}

Result<std::string> read_uri(const std::string& flag, const std::string& value) {
  std::string uri = value;
  if (value.starts_with('@')) uri = trimmed(TRY(read_file(flag, value.substr(1), secret_file_limit)));
  if (uri.empty() && value.starts_with('@')) return invalid(flag + ": file " + value.substr(1) + " is empty");
  if (uri.empty())
    return invalid(flag + " is missing",
                   "give it like " + flag + " postgresql://user@host:5432/database, or --spec FILE");
  TRY(check_scheme(flag, uri));
  return uri;
}

Result<int> read_parallelism(const std::string& text) {
  int number = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || number < 0 || number > most_copy_streams)
    return invalid("--parallelism: '" + text + "' is not a number from 0 to " + std::to_string(most_copy_streams));
  return number;
}

Result<Seconds> read_duration(const std::string& flag, const std::string& text) {
  Result<Seconds> span = parse_duration(text);
  if (!span) return within(flag, span.error());
  return span;
}

Result<bool> is_json(const std::string& flag, const std::string& word) {
  if (word == "json") return true;
  if (word == "text") return false;
  return invalid(flag + ": '" + word + "' is neither text nor json");
}

Result<void> refuse_both(const std::string& one, bool one_given, const std::string& other, bool other_given) {
  if (one_given && other_given) return invalid("cannot use both " + one + " and " + other, "give one of the two");
  return {};
}

Result<void> check_sync(const Flags& flags) {
  TRY(refuse_both("--sync", flags.sync, "--resume-per-table", flags.resume_per_table));
  if (!flags.publication.empty() && !flags.sync)
    return invalid("--publication without --sync", "a copy alone needs none");
  return {};
}

api::Mode mode_of(Verb verb, bool sync) {
  if (verb == Verb::sync || verb == Verb::recopy || verb == Verb::release || verb == Verb::status)
    return api::Mode::sync;
  if (verb == Verb::verify) return api::Mode::validate;
  if (verb == Verb::validate) return sync ? api::Mode::snapshot_and_sync : api::Mode::validate;
  return sync ? api::Mode::snapshot_and_sync : api::Mode::snapshot;
}

Result<api::Selection> read_selection(const Flags& flags) {
  api::Selection selection;
  selection.include_databases = TRY(split_list("--include-databases", flags.include_databases));
  selection.exclude_databases = TRY(split_list("--exclude-databases", flags.exclude_databases));
  selection.include_tables = TRY(split_list("--include-tables", flags.include_tables));
  selection.exclude_tables = TRY(split_list("--exclude-tables", flags.exclude_tables));
  TRY(refuse_both("--include-databases", !selection.include_databases.empty(), "--exclude-databases",
                  !selection.exclude_databases.empty()));
  TRY(refuse_both("--include-tables", !selection.include_tables.empty(), "--exclude-tables",
                  !selection.exclude_tables.empty()));
  return selection;
}

}  // namespace

Result<std::vector<std::string>> split_list(const std::string& flag, const std::vector<std::string>& values) {
  std::vector<std::string> entries;
  for (const std::string& value : values) {
    std::string entry;
    bool quoted = false;
    for (const char letter : value + ",") {
      if (letter == '"') quoted = !quoted;
      if (letter != ',' || quoted) {
        entry += letter;
        continue;
      }
      entries.push_back(trimmed(entry));
      if (entries.back().empty()) return invalid(flag + ": '" + value + "' has an empty entry");
      entry.clear();
    }
    if (quoted) return invalid(flag + ": '" + value + "' has a quote that is not closed");
  }
  return entries;
}

Result<void> read_manner(const Flags& flags, Options& options) {
  options.dry_run = flags.dry_run;
  options.yes = flags.yes;
  options.hold = flags.hold;
  options.forget = flags.forget;
  options.drop_target_data = flags.drop_target_data;
  if (options.drop_target_data && !options.yes)
    return invalid("--drop-target-data without --yes: what is dropped cannot be brought back",
                   "add --yes to drop from the target all that this replication copied");
  options.recopied_tables = TRY(split_list("--tables", flags.tables));
  if (options.verb == Verb::recopy && options.recopied_tables.empty())
    return invalid("--tables is missing", "name tables like --tables db.schema.table,...");
  options.verify = {flags.repair_sql, flags.show_values, flags.restart};
  options.status_address = flags.status_address;
  options.termination_log = flags.termination_log;
  options.output = TRY(is_json("--output", flags.output)) ? Output::json : Output::text;
  if (options.verify.repair_sql == "-" && options.output == Output::json)
    return invalid("--repair-sql - with --output json: standard output holds the report alone",
                   "name a file for the statements");
  options.log_format = TRY(is_json("--log-format", flags.log_format)) ? log::Format::json : log::Format::text;
  if (flags.log_level.empty()) return {};
  log::Level level = log::Level::info;
  if (!log::parse_level(flags.log_level, level))
    return invalid("--log-level: '" + flags.log_level + "' is none of debug, info, warn and error");
  options.log_level = level;
  return {};
}

Result<api::Spec> spec_from_flags(const Flags& flags, Verb verb) {
  TRY(check_sync(flags));
  TRY(refuse_both("--drop-existing", flags.drop_existing, "--append", flags.append));
  api::Spec spec;
  spec.mode = mode_of(verb, flags.sync);
  spec.source.uri = TRY(read_uri("--source", flags.source));
  spec.target.uri = TRY(read_uri("--target", flags.target));
  spec.source.allow_self_signed_certificates = flags.allow_self_signed_certs;
  spec.target.allow_self_signed_certificates = flags.allow_self_signed_certs;
  spec.selection = TRY(read_selection(flags));
  if (flags.drop_existing) spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::drop;
  if (flags.append) spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  spec.snapshot.parallelism = TRY(read_parallelism(flags.parallelism));
  spec.snapshot.roles = !flags.no_roles;
  spec.snapshot.large_objects = !flags.no_large_objects;
  spec.snapshot.allow_older_target = flags.allow_older_target;
  spec.snapshot.resume_per_table = flags.resume_per_table;
  spec.sync.publication = flags.publication;
  spec.verify.request_id = flags.request_id;
  spec.snapshot.timeout = TRY(read_duration("--timeout", flags.timeout));
  spec.snapshot.stall_timeout = TRY(read_duration("--stall-timeout", flags.stall_timeout));
  return spec;
}

Result<api::Spec> spec_from_file(const std::string& path) {
  Result<api::Spec> spec = api::spec_from_json(TRY(read_file("--spec", path, spec_file_limit)));
  if (!spec) return within("file " + path, spec.error());
  return spec;
}

}  // namespace tributary::cli
