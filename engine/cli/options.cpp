#include "engine/cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/nearest.h"
#include "engine/cli/flags.h"

namespace tributary::cli {
namespace {

constexpr const char* repair_sql = "--repair-sql";

constexpr const char* about =
    "Copies PostgreSQL databases into PostgreSQL.\n\n"
    "A password is best kept in a file: ~/.pgpass, the file that PGPASSFILE names, or --source @FILE.\n";
constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 failed (a retry may help), 2 bad configuration, 3 differences found,\n"
    "4 position lost (a new snapshot is needed), 5 another engine owns this replication.";

constexpr std::pair<Verb, const char*> verbs[] = {
    {Verb::validate, "Say what stands in the way, changing nothing"},
    {Verb::init, "Copy databases, schema and rows"},
    {Verb::sync, "Follow the source after init --sync, until it is stopped"},
    {Verb::verify, "Compare the rows of both ends, also beside a sync"},
    {Verb::recopy, "Copy tables again beside a sync, like those that stopped"},
    {Verb::status, "Say how a sync stands, from any machine"},
    {Verb::release, "End a sync for good: drop its slot and publication, and what it copied if asked to"}};

// Groups of --help. --spec says all that the first five say, so it stands alone among them.
constexpr const char* ends = "Source and target";
constexpr const char* selection = "Selection";
constexpr const char* snapshot = "Snapshot";
constexpr const char* stream = "Continuous sync";
constexpr const char* course = "Run";
constexpr const char* manner_of_sync = "Sync";
constexpr const char* comparison = "Comparison";
constexpr const char* consent = "Consent";
constexpr const char* manner = "Output";

void add_text(CLI::App& verb, const char* name, std::string& into, const char* value, const char* group,
              const char* what) {
  verb.add_option(name, into, what)->option_text(value)->group(group);
}

void add_list(CLI::App& verb, const char* name, std::vector<std::string>& into, const char* value, const char* what) {
  verb.add_option(name, into, what)->option_text(value)->group(selection)->allow_extra_args(false);
}

void add_switch(CLI::App& verb, const char* name, bool& into, const char* group, const char* what) {
  verb.add_flag(name, into, what)->group(group);
}

void add_ends(CLI::App& verb, Flags& flags) {
  add_text(verb, "--source", flags.source, "URI", ends, "PostgreSQL URI or keyword string, or @FILE that holds one");
  add_text(verb, "--target", flags.target, "URI", ends, "The same for the target");
  add_switch(verb, "--allow-self-signed-certs", flags.allow_self_signed_certs, ends,
             "Encrypt without checking who answers");
  add_text(verb, "--spec", flags.spec_file, "FILE", ends, "Source, target, selection and snapshot as JSON instead");
}

void add_selection(CLI::App& verb, Flags& flags) {
  add_list(verb, "--include-databases", flags.include_databases, "NAME,...",
           "Only these, * for any letters; default: the one that --source names");
  add_list(verb, "--exclude-databases", flags.exclude_databases, "NAME,...", "All databases but these");
  add_list(verb, "--include-tables", flags.include_tables, "TABLE,...",
           "Only these: db.schema.table, or db.table for one in schema public");
  add_list(verb, "--exclude-tables", flags.exclude_tables, "TABLE,...", "All tables but these");
}

void add_snapshot(CLI::App& verb, Flags& flags) {
  add_switch(verb, "--drop-existing", flags.drop_existing, snapshot, "Drop what is in the way on the target");
  add_switch(verb, "--append", flags.append, snapshot,
             "Accept other tables on the target; ours must be absent or empty there");
  add_switch(verb, "--no-roles", flags.no_roles, snapshot, "Copy no roles");
  add_switch(verb, "--no-large-objects", flags.no_large_objects, snapshot, "Copy no large objects");
  add_switch(verb, "--allow-older-target", flags.allow_older_target, snapshot,
             "Accept a target of an older major version");
  add_switch(verb, "--resume-per-table", flags.resume_per_table, snapshot,
             "Keep tables that a killed run finished, each as of its own moment");
}

void add_pace(CLI::App& verb, Flags& flags, const char* group, const char* streams) {
  add_text(verb, "--parallelism", flags.parallelism, "N", group, streams);
  add_text(verb, "--timeout", flags.timeout, "TIME", group,
           "Give up after 90s, 15m, 2h, 1d, 1h30m ...; default: never");
  add_text(verb, "--stall-timeout", flags.stall_timeout, "TIME", group,
           "Give up when nothing moves for this long; default 15m, 0: never");
}

void add_comparison(CLI::App& verb, Flags& flags) {
  add_pace(verb, flags, course, "Tables at a time; default: chosen from what both servers have");
  add_text(verb, "--request-id", flags.request_id, "ID", course,
           "Name the comparison; one that is interrupted goes on under its name");
  add_switch(verb, "--no-large-objects", flags.no_large_objects, course,
             "Leave large objects out, as the copy has done");
  add_switch(verb, "--show-values", flags.show_values, comparison,
             "Tell what the rows hold that differ: they are data");
  add_text(verb, repair_sql, flags.repair_sql, "FILE", comparison,
           "Write statements there that would mend the target, and run none; - is standard output");
  add_switch(verb, "--restart", flags.restart, comparison, "Take nothing over from an attempt that was interrupted");
}

void add_stream(CLI::App& verb, Flags& flags) {
  add_switch(verb, "--sync", flags.sync, stream, "Make a slot first, from which tributary sync goes on");
  add_text(verb, "--publication", flags.publication, "NAME", stream,
           "Use this one of the source; default: make one of our own");
}

void add_consent(CLI::App& verb, Flags& flags) {
  add_switch(verb, "--dry-run", flags.dry_run, consent, "Print what would be done and change nothing");
  add_switch(verb, "-y,--yes", flags.yes, consent, "Drop without asking");
}

void add_manner(CLI::App& verb, Flags& flags) {
  add_text(verb, "--output", flags.output, "text|json", manner, "json ends standard output with one report object");
  add_text(verb, "--log-level", flags.log_level, "LEVEL", manner,
           "debug, info, warn or error; logs go to standard error");
  add_text(verb, "--log-format", flags.log_format, "text|json", manner, "Form of a log line");
  add_text(verb, "--status-address", flags.status_address, "HOST:PORT", manner,
           "Serve /healthz /readyz /status /metrics, like 0.0.0.0:8080");
  add_text(verb, "--termination-log", flags.termination_log, "FILE", manner,
           "Write the report there too, shortened to 3584 bytes");
}

CLI::App* add_verb(CLI::App& app, Verb verb, const char* what, Flags& flags) {
  CLI::App* made = app.add_subcommand(word_of(verb), what);
  add_ends(*made, flags);
  add_selection(*made, flags);
  if (verb == Verb::validate || verb == Verb::init) {
    add_snapshot(*made, flags);
    add_pace(*made, flags, snapshot, "Copy streams; default: chosen from what both servers have");
    add_stream(*made, flags);
  }
  if (verb == Verb::init) add_consent(*made, flags);
  if (verb == Verb::verify) add_comparison(*made, flags);
  if (verb == Verb::sync)
    add_switch(*made, "--hold", flags.hold, manner_of_sync, "Apply nothing; watch what the source keeps for the slot");
  if (verb == Verb::recopy)
    made->add_option("--tables", flags.tables, "These: db.schema.table, or db.table for one in schema public")
        ->option_text("TABLE,...")
        ->group(manner_of_sync)
        ->allow_extra_args(false);
  if (verb == Verb::release) {
    add_switch(*made, "--forget", flags.forget, manner_of_sync, "Drop what the ledger says of this replication, too");
    add_switch(*made, "--drop-target-data", flags.drop_target_data, manner_of_sync,
               "Drop from the target what was copied, too, with rows that were added since; needs --yes");
    add_switch(*made, "-y,--yes", flags.yes, consent, "Drop without asking");
  }
  add_manner(*made, flags);
  made->footer(exit_codes);
  made->allow_extras();
  return made;
}

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) names.push_back("--" + option->get_lnames().front());
  return names;
}

Error not_repeated(const std::string& see) {
  return {Fault::invalid, "an argument was not expected; it is not repeated here as it may hold a password",
          "quote values with blanks; see " + see};
}

// What nothing asked for, where a flag or a verb is meant.
Error unexpected(const std::string& argument, const std::string& what, const std::vector<std::string>& known,
                 const std::string& see) {
  const std::string word = argument.substr(0, argument.find('='));
  if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-_") != std::string::npos || word.size() > 40)
    return not_repeated(see);
  const std::string meant = nearest(word, known);
  return {Fault::invalid, "unknown " + what + " " + word, meant.empty() ? "see " + see : "did you mean " + meant + "?"};
}

// CLI11 takes the next flag for the value that is missing.
Result<void> check_values(const CLI::App& verb) {
  const std::vector<std::string> known = names_of(verb);
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.empty() && option->get_name() == repair_sql)
        return Error{Fault::invalid, option->get_name() + " names no file", "name one, or - for standard output"};
      if (std::find(known.begin(), known.end(), value) != known.end())
        return Error{Fault::invalid, option->get_name() + " has no value", "give it one before " + value};
    }
  }
  return {};
}

Result<void> check_extras(const CLI::App& app, const CLI::App& verb) {
  for (const std::string& extra : app.remaining()) {
    if (!extra.starts_with('-')) continue;
    return Error{Fault::invalid, "flags follow the verb", "write it like tributary init --source URI --target URI"};
  }
  const std::vector<std::string> extras = verb.remaining();
  if (extras.empty()) return {};
  const std::string see = "tributary help " + verb.get_name();
  // After a verb there are only flags: a word may be the rest of a password with a blank.
  if (!extras.front().starts_with("--")) return not_repeated(see);
  return unexpected(extras.front(), "flag", names_of(verb), see);
}

Result<void> check_spec_alone(const CLI::App& verb) {
  for (const CLI::Option* option : verb.get_options()) {
    const std::string& group = option->get_group();
    const bool said_by_spec =
        group == ends || group == selection || group == snapshot || group == stream || group == course;
    if (!said_by_spec || option->count() == 0 || option->get_name() == "--spec") continue;
    return Error{Fault::invalid, "cannot use both --spec and " + option->get_name(), "say it in the file of --spec"};
  }
  return {};
}

Result<void> read_options(const CLI::App& app, const CLI::App& verb, const Flags& flags, Options& options) {
  TRY(check_values(verb));
  TRY(read_manner(flags, options));
  TRY(check_extras(app, verb));
  options.from_spec_file = !flags.spec_file.empty();
  if (options.from_spec_file) {
    TRY(check_spec_alone(verb));
    options.spec = TRY(spec_from_file(flags.spec_file));
    if (options.verb == Verb::init && options.spec.mode == api::Mode::validate)
      return Error{Fault::invalid, "--spec says mode Validate, in which nothing is copied",
                   "run tributary validate with it, or say mode Snapshot or SnapshotAndSync there"};
  } else {
    options.spec = TRY(spec_from_flags(flags, options.verb));
  }
  return {};
}

// What a command line that cannot be read says all the same about who is told of it, and how.
Options read_ahead(const std::vector<std::string>& arguments) {
  Options options;
  const auto value_of = [&](std::size_t at, const std::string& flag) -> std::string {
    if (arguments[at].starts_with(flag + "=")) return arguments[at].substr(flag.size() + 1);
    return arguments[at] == flag && at + 1 < arguments.size() ? arguments[at + 1] : "";
  };
  for (const auto& [verb, what] : verbs)
    if (!arguments.empty() && arguments.front() == word_of(verb)) options.verb = verb;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    if (value_of(at, "--output") == "json") options.output = Output::json;
    if (const std::string file = value_of(at, "--termination-log"); !file.empty()) options.termination_log = file;
  }
  return options;
}

Invocation failed(Error flaw, Options options = {}) {
  Invocation invocation;
  invocation.options = std::move(options);
  invocation.flaw = std::move(flaw);
  return invocation;
}

Invocation explain(const CLI::App& app, const std::string& topic) {
  Invocation invocation;
  std::vector<std::string> names;
  for (const auto& [verb, what] : verbs) names.push_back(word_of(verb));
  if (topic.empty()) {
    invocation.text = app.help();
  } else if (std::find(names.begin(), names.end(), topic) != names.end()) {
    invocation.text = app.get_subcommand(topic)->help();
  } else {
    return failed(unexpected(topic, "verb", names, "tributary --help"));
  }
  return invocation;
}

// A flag with one value that has got several.
std::string given_again(const CLI::App& app) {
  for (const CLI::App* verb : app.get_subcommands())
    for (const CLI::Option* option : verb->get_options())
      if (option->get_items_expected_max() == 1 && option->count() > 1) return option->get_name();
  return "";
}

// CLI11 ends a parse by throwing; its words for a flag without its value are good enough to pass on.
Result<std::string> parse(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
    return std::string();
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? app.help() : chosen.front()->help();
  } catch (const CLI::CallForVersion&) {
    return std::string("tributary " TRIBUTARY_VERSION "\n");
  } catch (const CLI::ArgumentMismatch& problem) {
    const std::string again = given_again(app);
    if (!again.empty()) return Error{Fault::invalid, again + " is given more than once", "give it once"};
    return Error{Fault::invalid, problem.what(), "a value that begins with - is written --flag=value"};
  } catch (const CLI::Error&) {
    return Error{Fault::invalid, "the command line cannot be read", "see tributary --help"};
  }
}

}  // namespace

const char* word_of(Verb verb) {
  switch (verb) {
    case Verb::none:
      return "";
    case Verb::validate:
      return "validate";
    case Verb::init:
      return "init";
    case Verb::sync:
      return "sync";
    case Verb::verify:
      return "verify";
    case Verb::recopy:
      return "recopy";
    case Verb::release:
      return "release";
    case Verb::status:
      return "status";
  }
  std::abort();
}

Invocation read_command_line(const std::vector<std::string>& arguments) {
  Flags flags;
  CLI::App app(about, "tributary");
  app.set_version_flag("--version", "tributary " TRIBUTARY_VERSION);
  app.footer(exit_codes);
  app.allow_extras();
  std::map<const CLI::App*, Verb> known;
  for (const auto& [verb, what] : verbs) known.emplace(add_verb(app, verb, what, flags), verb);
  app.add_subcommand("help", "Explain a verb: tributary help init");
  const auto explained = [&](const std::string& topic) {
    Invocation invocation = explain(app, topic);
    if (invocation.flaw) invocation.options = read_ahead(arguments);
    return invocation;
  };
  if (arguments.empty()) return explained("");
  if (arguments.front() == "help") return explained(arguments.size() > 1 ? arguments[1] : "");

  const Result<std::string> text = parse(app, arguments);
  if (!text) return failed(text.error(), read_ahead(arguments));
  if (!text->empty()) return {.text = *text, .options = {}, .flaw = {}};
  const auto chosen = app.get_subcommands();
  const auto verb = chosen.empty() ? known.end() : known.find(chosen.front());
  if (verb == known.end()) return explained(app.remaining().empty() ? "" : app.remaining().front());

  Invocation invocation;
  invocation.options.verb = verb->second;
  const Result<void> read = read_options(app, *verb->first, flags, invocation.options);
  if (read) return invocation;
  invocation.flaw = read.error();
  const Options ahead = read_ahead(arguments);
  if (invocation.options.output == Output::text) invocation.options.output = ahead.output;
  if (invocation.options.termination_log.empty()) invocation.options.termination_log = ahead.termination_log;
  return invocation;
}

}  // namespace tributary::cli
