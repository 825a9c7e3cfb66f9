#include "engine/cli/options.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace tributary::cli {
namespace {

using Words = std::vector<std::string>;

constexpr const char* source = "postgresql://u@src/app";
constexpr const char* target = "host=dst dbname=app";

Invocation init(Words more) {
  Words words = {"init", "--source", source, "--target", target};
  words.insert(words.end(), more.begin(), more.end());
  return read_command_line(words);
}

Options good(const Invocation& invocation) {
  EXPECT_FALSE(invocation.flaw) << describe(*invocation.flaw);
  return invocation.options;
}

std::string flaw(const Invocation& invocation) {
  return invocation.flaw ? describe(*invocation.flaw) : "accepted";
}

std::string a_file(const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("options_test." + std::to_string(std::random_device{}()));
  std::ofstream(path) << text;
  return path.string();
}

TEST(Init, says_by_default_what_the_spec_says_by_default) {
  const Options options = good(init({}));
  api::Spec expected;
  EXPECT_EQ(api::to_json(options.spec), api::to_json(expected));
  EXPECT_EQ(options.spec.source.uri, source);
  EXPECT_EQ(options.spec.target.uri, target);
  EXPECT_EQ(options.verb, Verb::init);
  EXPECT_EQ(options.output, Output::text);
  EXPECT_FALSE(options.log_level);
  EXPECT_FALSE(options.dry_run || options.yes || options.from_spec_file);
}

TEST(Init, every_flag_arrives_in_the_spec) {
  const Options options = good(init({"--include-databases",
                                     "a,b",
                                     "--include-databases=c",
                                     "--exclude-tables",
                                     "a.t, \"x,y\".public.u",
                                     "--drop-existing",
                                     "--parallelism",
                                     "4",
                                     "--no-roles",
                                     "--no-large-objects",
                                     "--allow-self-signed-certs",
                                     "--timeout",
                                     "2h",
                                     "--stall-timeout",
                                     "90s",
                                     "--allow-older-target",
                                     "--resume-per-table",
                                     "--dry-run",
                                     "--yes",
                                     "--output",
                                     "json",
                                     "--log-level",
                                     "debug",
                                     "--log-format",
                                     "json",
                                     "--status-address",
                                     "[::]:8080",
                                     "--termination-log",
                                     "/dev/termination-log"}));
  EXPECT_EQ(options.spec.mode, api::Mode::snapshot);
  EXPECT_EQ(options.spec.selection.include_databases, (Words{"a", "b", "c"}));
  EXPECT_EQ(options.spec.selection.exclude_tables, (Words{"a.t", "\"x,y\".public.u"}));
  EXPECT_EQ(options.spec.snapshot.on_target_not_empty, api::OnTargetNotEmpty::drop);
  EXPECT_EQ(options.spec.snapshot.parallelism, 4);
  EXPECT_FALSE(options.spec.snapshot.roles);
  EXPECT_FALSE(options.spec.snapshot.large_objects);
  EXPECT_TRUE(options.spec.snapshot.allow_older_target);
  EXPECT_TRUE(options.spec.snapshot.resume_per_table);
  EXPECT_EQ(options.spec.snapshot.timeout, Seconds(7200));
  EXPECT_EQ(options.spec.snapshot.stall_timeout, Seconds(90));
  EXPECT_TRUE(options.spec.source.allow_self_signed_certificates);
  EXPECT_TRUE(options.spec.target.allow_self_signed_certificates);
  EXPECT_TRUE(options.dry_run);
  EXPECT_TRUE(options.yes);
  EXPECT_EQ(options.output, Output::json);
  EXPECT_EQ(options.log_level, log::Level::debug);
  EXPECT_EQ(options.log_format, log::Format::json);
  EXPECT_EQ(options.status_address, "[::]:8080");
  EXPECT_EQ(options.termination_log, "/dev/termination-log");
}

TEST(Init, the_other_half_of_each_pair_arrives_too) {
  const Options options =
      good(init({"--exclude-databases", "x", "--include-tables", "a.t", "--include-tables", "a.s.u", "--append"}));
  EXPECT_EQ(options.spec.selection.exclude_databases, Words{"x"});
  EXPECT_EQ(options.spec.selection.include_tables, (Words{"a.t", "a.s.u"}));
  EXPECT_EQ(options.spec.snapshot.on_target_not_empty, api::OnTargetNotEmpty::append);
}

TEST(Validate, makes_a_spec_of_mode_validate) {
  const Invocation read = read_command_line({"validate", "--source", source, "--target", target, "--append"});
  EXPECT_EQ(good(read).spec.mode, api::Mode::validate);
  EXPECT_EQ(read.options.verb, Verb::validate);
}

TEST(Validate, judges_what_init_would_do_with_the_same_flags) {
  const Words said = {"--source",
                      source,
                      "--target",
                      target,
                      "--drop-existing",
                      "--parallelism",
                      "7",
                      "--no-roles",
                      "--timeout",
                      "2h",
                      "--stall-timeout",
                      "90s",
                      "--resume-per-table",
                      "--no-large-objects",
                      "--allow-older-target"};
  Words validate = {"validate"};
  Words init = {"init"};
  validate.insert(validate.end(), said.begin(), said.end());
  init.insert(init.end(), said.begin(), said.end());
  api::Spec spec = good(read_command_line(validate)).spec;
  EXPECT_EQ(spec.snapshot.parallelism, 7);
  EXPECT_TRUE(spec.snapshot.resume_per_table);
  EXPECT_EQ(spec.snapshot.stall_timeout, Seconds(90));
  spec.mode = api::Mode::snapshot;
  EXPECT_EQ(api::to_json(spec), api::to_json(good(read_command_line(init)).spec));
}

Invocation recopy(Words more) {
  Words words = {"recopy", "--source", source, "--target", target};
  words.insert(words.end(), more.begin(), more.end());
  return read_command_line(words);
}

TEST(Release, drops_what_was_copied_only_with_a_yes) {
  const Words ends = {"release", "--source", source, "--target", target};
  const auto with = [&](const Words& more) {
    Words words = ends;
    words.insert(words.end(), more.begin(), more.end());
    return read_command_line(words);
  };
  EXPECT_FALSE(good(with({"--forget"})).drop_target_data);
  EXPECT_TRUE(good(with({"--drop-target-data", "--yes"})).drop_target_data);
  EXPECT_EQ(
      flaw(with({"--drop-target-data"})),
      "--drop-target-data without --yes: what is dropped cannot be brought back (hint: add --yes to drop from the "
      "target all that this replication copied)");
  EXPECT_EQ(flaw(read_command_line({"sync", "--source", source, "--target", target, "--drop-target-data"})),
            "unknown flag --drop-target-data (hint: see tributary help sync)");
}

TEST(Recopy, takes_its_tables_from_every_list_and_leaves_the_selection_alone) {
  const Options options =
      good(recopy({"--tables", "a.t, a.s.u", "--tables=\"x,y\".public.*", "--include-databases", "a"}));
  EXPECT_EQ(options.verb, Verb::recopy);
  EXPECT_EQ(options.spec.mode, api::Mode::sync);
  EXPECT_EQ(options.recopied_tables, (Words{"a.t", "a.s.u", "\"x,y\".public.*"}));
  EXPECT_EQ(options.spec.selection.include_databases, Words{"a"});
  EXPECT_TRUE(options.spec.selection.include_tables.empty());
  EXPECT_TRUE(options.spec.recopy.request_id.empty()) << "by hand every time is one";
}

TEST(Recopy, each_flaw_of_its_tables_is_named) {
  const std::pair<Words, const char*> cases[] = {
      {{}, "--tables is missing (hint: name tables like --tables db.schema.table,...)"},
      {{"--tables", ""}, "--tables: '' has an empty entry"},
      {{"--tables", "a.t,"}, "--tables: 'a.t,' has an empty entry"},
      {{"--tables", "a.\"t"}, "--tables: 'a.\"t' has a quote that is not closed"},
      {{"--tables", "--output", "json"}, "--tables has no value (hint: give it one before --output)"}};
  for (const auto& [words, expected] : cases) EXPECT_EQ(flaw(recopy(words)), expected);
  EXPECT_EQ(flaw(read_command_line({"sync", "--source", source, "--target", target, "--tables", "a.t"})),
            "unknown flag --tables (hint: see tributary help sync)");
}

Invocation verify(Words more) {
  Words words = {"verify", "--source", source, "--target", target};
  words.insert(words.end(), more.begin(), more.end());
  return read_command_line(words);
}

TEST(Verify, every_flag_arrives) {
  const Options options =
      good(verify({"--include-databases", "a",          "--exclude-tables",  "a.t",        "--parallelism", "4",
                   "--timeout",           "2h",         "--stall-timeout",   "90s",        "--request-id",  "first",
                   "--repair-sql",        "repair.sql", "--show-values",     "--restart",  "--output",      "json",
                   "--status-address",    "[::]:8080",  "--termination-log", "/dev/report"}));
  EXPECT_EQ(options.verb, Verb::verify);
  EXPECT_EQ(options.spec.mode, api::Mode::validate) << "nothing is copied for it";
  EXPECT_EQ(options.spec.selection.include_databases, Words{"a"});
  EXPECT_EQ(options.spec.selection.exclude_tables, Words{"a.t"});
  EXPECT_EQ(options.spec.snapshot.parallelism, 4);
  EXPECT_EQ(options.spec.snapshot.timeout, Seconds(7200));
  EXPECT_EQ(options.spec.snapshot.stall_timeout, Seconds(90));
  EXPECT_EQ(options.spec.verify.request_id, "first");
  EXPECT_EQ(options.verify.repair_sql, "repair.sql");
  EXPECT_TRUE(options.verify.show_values);
  EXPECT_TRUE(options.verify.restart);
  EXPECT_EQ(options.output, Output::json);
  EXPECT_EQ(options.status_address, "[::]:8080");
  EXPECT_EQ(options.termination_log, "/dev/report");
}

TEST(Verify, shows_no_values_and_writes_no_statements_unasked) {
  const Options options = good(verify({}));
  EXPECT_EQ(options.verify.repair_sql, "");
  EXPECT_FALSE(options.verify.show_values);
  EXPECT_FALSE(options.verify.restart);
  EXPECT_FALSE(good(verify({"--restart"})).verify.show_values);
  EXPECT_FALSE(good(verify({"--show-values"})).verify.restart);
  EXPECT_EQ(good(verify({"--repair-sql", "-"})).verify.repair_sql, "-");
}

TEST(Verify, each_flaw_of_its_flags_is_named) {
  EXPECT_EQ(flaw(verify({"--repair-sql", "-", "--output", "json"})),
            "--repair-sql - with --output json: standard output holds the report alone (hint: name a file for the "
            "statements)");
  EXPECT_EQ(flaw(verify({"--repair-sql", ""})),
            "--repair-sql names no file (hint: name one, or - for standard output)");
  EXPECT_EQ(flaw(verify({"--repair-sql", "--restart"})),
            "--repair-sql has no value (hint: give it one before --restart)");
  EXPECT_EQ(flaw(verify({"--drop-existing"})), "unknown flag --drop-existing (hint: see tributary help verify)");
  EXPECT_EQ(flaw(init({"--show-values"})), "unknown flag --show-values (hint: see tributary help init)");
}

TEST(Verify, by_a_spec_file_takes_its_own_flags_beside_it_alone) {
  const std::string file = a_file(R"({"replication":"uid-1","verify":{"requestID":"first"}})");
  const Invocation read = read_command_line({"verify", "--spec", file, "--show-values", "--restart", "--repair-sql=x"});
  const Invocation twice = read_command_line({"verify", "--spec", file, "--request-id", "second"});
  std::filesystem::remove(file);
  EXPECT_EQ(good(read).spec.verify.request_id, "first");
  EXPECT_TRUE(read.options.verify.show_values);
  EXPECT_EQ(flaw(twice), "cannot use both --spec and --request-id (hint: say it in the file of --spec)");
}

TEST(Init, copies_nothing_for_a_spec_file_that_says_validate) {
  const std::string file = a_file(R"({"mode":"Validate","replication":"uid-1"})");
  const Invocation init = read_command_line({"init", "--spec", file});
  const Invocation validate = read_command_line({"validate", "--spec", file});
  std::filesystem::remove(file);
  EXPECT_EQ(flaw(init),
            "--spec says mode Validate, in which nothing is copied (hint: run tributary validate with it, or say mode "
            "Snapshot or SnapshotAndSync there)");
  EXPECT_EQ(good(validate).spec.mode, api::Mode::validate);
}

TEST(Recopy, goes_by_the_ends_and_the_selection_of_a_spec_file) {
  const std::string file = a_file(R"({"mode":"Sync","replication":"uid-1",
                                      "recopy":{"requestID":"first","tables":["a.t"]}})");
  const Invocation read = read_command_line({"recopy", "--spec", file, "--tables", "a.s.u"});
  std::filesystem::remove(file);
  const Options options = good(read);
  EXPECT_EQ(options.spec.replication, "uid-1");
  EXPECT_EQ(options.recopied_tables, Words{"a.s.u"});
}

TEST(CommandLine, each_flaw_names_the_flag_and_says_what_to_do) {
  const std::pair<Words, const char*> cases[] = {
      {{"--drop-existing", "--append"}, "cannot use both --drop-existing and --append (hint: give one of the two)"},
      {{"--include-databases", "a", "--exclude-databases", "b"},
       "cannot use both --include-databases and --exclude-databases (hint: give one of the two)"},
      {{"--include-tables", "a.t", "--exclude-tables", "a.u"},
       "cannot use both --include-tables and --exclude-tables (hint: give one of the two)"},
      {{"--source", source}, "--source is given more than once (hint: give it once)"},
      {{"--parallelism", "2", "--parallelism=3"}, "--parallelism is given more than once (hint: give it once)"},
      {{"--timeout", "--yes"}, "--timeout has no value (hint: give it one before --yes)"},
      {{"--drop-exsting"}, "unknown flag --drop-exsting (hint: did you mean --drop-existing?)"},
      {{"--drop"}, "unknown flag --drop (hint: did you mean --drop-existing?)"},
      {{"--frobnicate"}, "unknown flag --frobnicate (hint: see tributary help init)"},
      {{"stray"},
       "an argument was not expected; it is not repeated here as it may hold a password (hint: quote values with "
       "blanks; see tributary help init)"},
      {{"--parallelism", "many"}, "--parallelism: 'many' is not a number from 0 to 64"},
      {{"--parallelism", "65"}, "--parallelism: '65' is not a number from 0 to 64"},
      {{"--timeout", "soon"}, "--timeout: 'soon' is not a duration (hint: write it like 90s, 15m, 2h, 1d or 1h30m)"},
      {{"--stall-timeout", "15"},
       "--stall-timeout: '15' is not a duration (hint: write it like 90s, 15m, 2h, 1d or 1h30m)"},
      {{"--output", "yaml"}, "--output: 'yaml' is neither text nor json"},
      {{"--log-format", "xml"}, "--log-format: 'xml' is neither text nor json"},
      {{"--log-level", "loud"}, "--log-level: 'loud' is none of debug, info, warn and error"},
      {{"--include-tables", "a.t,,b.t"}, "--include-tables: 'a.t,,b.t' has an empty entry"},
      {{"--include-tables", "a.\"t"}, "--include-tables: 'a.\"t' has a quote that is not closed"},
      {{"--spec", "/nowhere"}, "cannot use both --spec and --source (hint: say it in the file of --spec)"}};
  for (const auto& [words, expected] : cases) {
    const Invocation read = init(words);
    EXPECT_EQ(flaw(read), expected);
    ASSERT_TRUE(read.flaw);
    EXPECT_EQ(read.flaw->fault, Fault::invalid);
  }
}

TEST(CommandLine, each_flaw_around_the_verb_is_named) {
  const std::pair<Words, const char*> cases[] = {
      {{"initt"}, "unknown verb initt (hint: did you mean init?)"},
      {{"valid"}, "unknown verb valid (hint: did you mean validate?)"},
      {{"replicate"}, "unknown verb replicate (hint: see tributary --help)"},
      {{"help", "ini"}, "unknown verb ini (hint: did you mean init?)"},
      {{"--yes", "init"}, "flags follow the verb (hint: write it like tributary init --source URI --target URI)"},
      {{"init", "--target", target},
       "--source is missing (hint: give it like --source postgresql://user@host:5432/database, or --spec FILE)"},
      {{"init", "--source", source},
       "--target is missing (hint: give it like --target postgresql://user@host:5432/database, or --spec FILE)"},
      {{"init", "--source", "mysql://u@h/d", "--target", target},
       "--source: mysql:// is not supported by this version (hint: sources and targets are PostgreSQL)"},
      {{"init", "--source", "@/nowhere/uri", "--target", target},
       "--source: file /nowhere/uri cannot be opened (hint: check the path and its permissions)"},
      {{"init", "--spec", "/nowhere/spec.json"},
       "--spec: file /nowhere/spec.json cannot be opened (hint: check the path and its permissions)"},
      {{"validate", "--source", source, "--target", target, "--yes"},
       "unknown flag --yes (hint: see tributary help validate)"},
      {{"validate", "--source", source, "--target", target, "--dry-run"},
       "unknown flag --dry-run (hint: see tributary help validate)"}};
  for (const auto& [words, expected] : cases) EXPECT_EQ(flaw(read_command_line(words)), expected);
}

TEST(CommandLine, that_cannot_be_read_still_says_what_form_its_report_takes) {
  const std::vector<Words> cases = {
      {"init", "--source", "--output", "json", "--termination-log=/dev/report"},
      {"init", "--source", "a", "--source=b", "--output=json", "--termination-log", "/dev/report"}};
  for (const Words& words : cases) {
    const Invocation read = read_command_line(words);
    EXPECT_TRUE(read.flaw);
    EXPECT_EQ(read.options.verb, Verb::init);
    EXPECT_EQ(read.options.output, Output::json);
    EXPECT_EQ(read.options.termination_log, "/dev/report");
  }
  EXPECT_EQ(read_command_line({"validate", "--source"}).options.output, Output::text);
  for (const Words& words : {Words{"nosuch", "--output", "json"}, Words{"help", "nosuch", "--output=json"}}) {
    const Invocation read = read_command_line(words);
    EXPECT_EQ(flaw(read).find("unknown verb nosuch"), 0u);
    EXPECT_EQ(read.options.output, Output::json);
  }
}

TEST(CommandLine, a_flag_without_its_value_is_named) {
  EXPECT_NE(flaw(read_command_line({"init", "--source"})).find("--source"), std::string::npos);
}

TEST(CommandLine, no_flaw_repeats_a_password) {
  const Words cases[] = {{"init", "postgresql://u:hunter2@h/d"},
                         {"init", "--sorce=postgresql://u:hunter2@h/d", "--target", target},
                         {"init", "--sorce", "postgresql://u:hunter2@h/d"},
                         {"init", "--source", "mysql://u:hunter2@h/d", "--target", target},
                         {"init", "--source", "hunter2://u:hunter2@h/d", "--target", target},
                         {"init", "--source", source, "--source", "postgresql://u:hunter2@h/d", "--target", target},
                         {"init", "--append=postgresql://u:hunter2@h/d"},
                         {"postgresql://u:hunter2@h/d"},
                         {"help", "password=hunter2"},
                         {"init", "--source", "host=h password=correct", "hunter", "--target", target},
                         {"--source=postgresql://u:hunter2@h/d", "init"}};
  for (const Words& words : cases) {
    const std::string said = flaw(read_command_line(words));
    EXPECT_NE(said, "accepted") << words.back();
    EXPECT_EQ(said.find("hunter"), std::string::npos) << said;
  }
}

TEST(Source, comes_from_a_file_without_the_line_end) {
  const std::string file = a_file("postgresql://u:pw@src/app\n");
  EXPECT_EQ(good(read_command_line({"init", "--source", "@" + file, "--target", target})).spec.source.uri,
            "postgresql://u:pw@src/app");
  std::filesystem::remove(file);
}

TEST(SpecFile, says_everything_and_its_flaws_name_the_file) {
  api::Spec spec;
  spec.replication = "5f0c";
  spec.source.credentials_dir = "/etc/tributary/source";
  const std::string file = a_file(api::to_json(spec));
  const Options options = good(read_command_line({"init", "--spec", file, "--output", "json"}));
  EXPECT_EQ(api::to_json(options.spec), api::to_json(spec));
  EXPECT_TRUE(options.from_spec_file);

  const std::string broken = a_file("{\"mod\": 1}");
  const Invocation read = read_command_line({"init", "--spec", broken, "--output", "json"});
  EXPECT_NE(flaw(read).find(broken + ": spec.mod is unknown"), std::string::npos) << flaw(read);
  EXPECT_EQ(read.options.output, Output::json) << "a report about the flaw takes the form that was asked for";
  std::filesystem::remove(file);
  std::filesystem::remove(broken);
}

TEST(Help, is_printed_for_the_program_and_for_each_verb) {
  EXPECT_NE(read_command_line({}).text.find("validate"), std::string::npos);
  EXPECT_NE(read_command_line({"--help"}).text.find("init"), std::string::npos);
  EXPECT_NE(read_command_line({"help"}).text.find("init"), std::string::npos);
  EXPECT_EQ(read_command_line({"help", "init"}).text, read_command_line({"init", "--help"}).text);
  EXPECT_NE(read_command_line({"help", "init"}).text.find("--drop-existing"), std::string::npos);
  EXPECT_EQ(read_command_line({"help", "validate"}).text.find("--dry-run"), std::string::npos);
  EXPECT_EQ(read_command_line({"--version"}).text, "tributary " TRIBUTARY_VERSION "\n");
}

}  // namespace
}  // namespace tributary::cli
