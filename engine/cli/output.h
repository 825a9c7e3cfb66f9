#pragma once

#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/cli/options.h"
#include "engine/cli/terminal.h"

// What a run leaves behind: the report on standard output and in the termination log.
namespace tributary::cli {

// Pure: findings as a table, errors first; "" when there are none.
std::string findings_text(const std::vector<api::Finding>& findings, const Style& style);
// Pure: the whole report for a person.
std::string report_text(const api::Report& report, const Style& style);

// Writes the report to standard output in the form asked for, and to the termination log if there is one. Of a failed
// run the message and hint of a text report go to standard error. Returns the process's exit code: 1 where a report of
// success could not be written.
int publish(const api::Report& report, const Options& options);

// Writes what a verb is asked for in place of a report. The exit code: 1 where it could not be written.
int print(const std::string& text);

// The report of a run that could not begin.
api::Report report_of(const Options& options, const Error& error, const std::string& reason);

}  // namespace tributary::cli
