#include "engine/postgres/schema/dump.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/base/text.h"
#include "engine/postgres/catalog/lock_wait.h"
#include "engine/postgres/client/program.h"

namespace tributary::postgres {
namespace {

// Keywords of libpq whose values are secrets. A password goes through a password file, the others through a service
// file (chapter "The Connection Service File").
constexpr std::string_view password_keyword = "password";
constexpr std::array<std::string_view, 4> secret_keywords = {"sslpassword", "oauth_client_secret", "scram_client_key",
                                                             "scram_server_key"};

bool is_secret(std::string_view keyword) {
  return keyword == password_keyword ||
         std::find(secret_keywords.begin(), secret_keywords.end(), keyword) != secret_keywords.end();
}

// Backslash before a quote or backslash, as the value of a keyword string wants it.
std::string quote_value(const std::string& value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

Result<std::string> service_file(const Parameters& parameters) {
  std::string lines;
  for (const std::string_view keyword : secret_keywords) {
    const auto found = parameters.find(std::string(keyword));
    if (found == parameters.end() || found->second.empty()) continue;
    if (found->second.find_first_of("\r\n") != std::string::npos) {
      return Error{Fault::invalid, "the value of " + found->first + " holds a line break"};
    }
    lines += found->first + "=" + found->second + "\n";
  }
  return lines.empty() ? lines : "[tributary]\n" + lines;
}

// What pg_dump says of its end, in one line: it may be followed by the whole statement that failed.
std::string cause(std::string_view errors) {
  const std::size_t error = errors.find("error: ");
  if (error != errors.npos) errors.remove_prefix(error);
  return first_bytes(one_line(errors), 1000, "...");
}

// Before the statement, which has names of users in it.
bool said(const Output& output, std::string_view words) {
  const std::string_view errors = output.errors;
  return errors.substr(0, errors.find("uery was: ")).find(words) != std::string_view::npos;
}

bool asked(const Output& output, std::string_view statement) {
  return output.errors.find("uery was: " + std::string(statement)) != std::string::npos;
}

// Words of libpq, which are in our language whatever the server's is.
bool lost_its_session(const Output& output) {
  static constexpr std::array<std::string_view, 7> words{"connection to ",
                                                         "server closed the connection",
                                                         "could not receive data from server",
                                                         "could not send data to",
                                                         "SSL SYSCALL error",
                                                         "SSL connection has been closed",
                                                         "no connection to the server"};
  return std::any_of(words.begin(), words.end(), [&](std::string_view each) { return said(output, each); });
}

// It sees what the snapshot sees and locks what is there now (getTables in src/bin/pg_dump/pg_dump.c): what that fails
// with, in the language of the server, is a table that is gone or locked.
bool failed_to_lock(const Output& output) {
  return asked(output, "LOCK TABLE");
}

// Functions of the catalog stumble over what somebody drops or defines anew at that moment; what the server says then
// is in no language but this.
bool stumbled(const Output& output) {
  return said(output, "cache lookup failed for") || said(output, "could not open relation with OID");
}

Error failure(const Output& output) {
  Error error{Fault::failed,
              "pg_dump ended with status " + std::to_string(output.status) + ": " + cause(output.errors)};
  if (said(output, "permission denied")) {
    error.fault = Fault::denied;
    error.hint = "pg_dump reads the whole schema: grant the source's role SELECT on all tables, or pg_read_all_data";
  } else if (said(output, "server version mismatch")) {
    error.fault = Fault::invalid;
    error.hint = "install a pg_dump at least as new as the source";
  } else if (said(output, "password authentication failed")) {
    error.fault = Fault::denied;
  } else if (said(output, "max_locks_per_transaction")) {  // the server's own hint
    error.hint = raise_lock_limit;
  } else if (lost_its_session(output)) {
    error.fault = Fault::transient;
    error.hint = "run again once the source answers";
  } else if (asked(output, "SET TRANSACTION SNAPSHOT")) {
    error.fault = Fault::transient;
    error.hint = "the session that held the snapshot has ended; run again: a new snapshot is taken";
  } else if (failed_to_lock(output) || stumbled(output)) {
    error.fault = Fault::transient;
    if (said(output, "does not exist")) error.hint = "a new snapshot does without what was dropped or renamed";
  }
  return error;
}

std::vector<std::string> command(const DumpRequest& request) {
  std::vector<std::string> words = {request.pg_dump,
                                    "--format=custom",
                                    "--compress=0",
                                    "--section=pre-data",
                                    "--section=post-data",
                                    "--no-blobs",
                                    "--no-subscriptions",
                                    "--quote-all-identifiers",
                                    "--no-password",
                                    "--exclude-schema=_tributary",
                                    "--lock-wait-timeout=" + std::to_string(request.lock_timeout.count()),
                                    "--encoding=" + request.encoding};
  if (!request.snapshot.empty()) words.push_back("--snapshot=" + request.snapshot);
  if (!request.compression_methods) words.emplace_back("--no-toast-compression");
  return words;
}

}  // namespace

std::string conninfo_without_secrets(const Parameters& parameters) {
  std::string conninfo;
  for (const auto& [keyword, value] : parameters) {
    if (is_secret(keyword)) continue;
    if (!conninfo.empty()) conninfo += ' ';
    conninfo += keyword + "=" + quote_value(value);
  }
  return conninfo;
}

Result<std::string> password_file(const Parameters& parameters) {
  const auto found = parameters.find(std::string(password_keyword));
  if (found == parameters.end() || found->second.empty()) return std::string();
  if (found->second.find_first_of("\r\n") != std::string::npos) {
    return Error{Fault::invalid, "the source's password holds a line break, which pg_dump cannot be handed",
                 "give the source's role another password"};
  }
  std::string line = "*:*:*:*:";
  for (const char c : found->second) {
    if (c == ':' || c == '\\') line += '\\';
    line += c;
  }
  return line + "\n";
}

Result<Toc> dump_schema(const DumpRequest& request, const Until& until) {
  const std::string passwords = TRY(password_file(request.source));
  const std::string secrets = TRY(service_file(request.source));
  const MemoryFile password = TRY(MemoryFile::create(passwords));
  const MemoryFile service = TRY(MemoryFile::create(secrets));

  Parameters parameters = request.source;
  if (!passwords.empty()) parameters["passfile"] = password.path();
  Program program{command(request), {"LC_ALL=C"}, {&password, &service}};
  if (!secrets.empty()) {
    parameters["service"] = "tributary";
    program.environment.push_back("PGSERVICEFILE=" + service.path());
  }
  program.command.push_back("--dbname=" + conninfo_without_secrets(parameters));

  const Output output = TRY(run(program, until));
  if (output.status != 0) {
    const Error error = failure(output);
    const bool waited = error.fault == Fault::transient && error.hint.empty();
    return waited ? blocked_by([&] { return request.source; }, {}, error, until) : error;
  }
  return parse_toc(std::as_bytes(std::span(output.output.data(), output.output.size())));
}

}  // namespace tributary::postgres
