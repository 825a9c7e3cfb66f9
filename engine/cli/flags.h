#pragma once

#include <string>
#include <vector>

#include "engine/cli/options.h"

// Flags as they were typed, and what they mean. Private to engine/cli.
namespace tributary::cli {

struct Flags {
  std::string source;
  std::string target;
  std::string spec_file;
  std::vector<std::string> include_databases;
  std::vector<std::string> exclude_databases;
  std::vector<std::string> include_tables;
  std::vector<std::string> exclude_tables;
  bool drop_existing = false;
  bool append = false;
  std::string parallelism = "0";
  bool no_roles = false;
  bool no_large_objects = false;
  bool allow_self_signed_certs = false;
  bool allow_older_target = false;
  bool resume_per_table = false;
  std::string timeout = "0";
  std::string stall_timeout = "15m";
  bool sync = false;
  bool hold = false;
  bool forget = false;
  bool drop_target_data = false;
  std::vector<std::string> tables;
  std::string repair_sql;
  bool show_values = false;
  bool restart = false;
  std::string request_id;
  std::string publication;
  bool dry_run = false;
  bool yes = false;
  std::string output = "text";
  std::string log_level;
  std::string log_format = "text";
  std::string status_address;
  std::string termination_log;
};

// How the process speaks: everything but the spec. Nothing else of the options is touched.
Result<void> read_manner(const Flags& flags, Options& options);

// What to replicate, from the flags alone; a flag's @FILE is read here.
Result<api::Spec> spec_from_flags(const Flags& flags, Verb verb);

// What to replicate, from the file of --spec.
Result<api::Spec> spec_from_file(const std::string& path);

// Splits at commas outside double quotes and drops blanks around each entry: `a, "x,y".t` is two entries.
Result<std::vector<std::string>> split_list(const std::string& flag, const std::vector<std::string>& values);

}  // namespace tributary::cli
