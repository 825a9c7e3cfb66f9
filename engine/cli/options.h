#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/base/log.h"
#include "engine/base/result.h"

// The command line as values. docs/cli.md lists the flags for users; --help is made from the same declarations.
namespace tributary::cli {

enum class Verb {
  none,
  validate,
  init,
  sync,
  verify,
  recopy,
  release,
  status
};  // none: the command line does not say which
enum class Output { text, json };

struct VerifyFlags {
  std::string repair_sql;    // a file, "-" for standard output, "" for none
  bool show_values = false;  // of rows that differ
  bool restart = false;      // forgets what an earlier, killed comparison has found
};

struct Options {
  Verb verb = Verb::none;
  api::Spec spec;
  bool from_spec_file = false;  // somebody declared it; nobody is asked before a drop
  bool dry_run = false;
  bool yes = false;
  bool hold = false;
  bool forget = false;
  bool drop_target_data = false;
  std::vector<std::string> recopied_tables;
  VerifyFlags verify;
  Output output = Output::text;
  std::optional<log::Level> log_level;  // not given: info, but warn under a live display
  log::Format log_format = log::Format::text;
  std::string status_address;   // "" serves nothing
  std::string termination_log;  // "" writes none
};

struct Invocation {
  std::string text;           // not empty: print it and exit 0 (help, version)
  Options options;            // beside a flaw as far as they could be read, so that a report takes its proper form
  std::optional<Error> flaw;  // what is wrong with the command line or the files it names
};

// `arguments` without the program's name. Reads the files named by --spec and by @FILE, nothing else.
Invocation read_command_line(const std::vector<std::string>& arguments);

const char* word_of(Verb verb);

}  // namespace tributary::cli
