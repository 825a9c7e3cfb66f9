#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/cli/options.h"

// Nothing is dropped because of a flag alone: somebody says yes beforehand, or at the terminal.
namespace tributary::cli {

// Whether somebody has to be asked. A spec file is a decision that was written down; nobody is asked about it.
bool must_ask(const Options& options);

// Pure: whether it says that something would be dropped.
bool is_drop(const api::Finding& finding);

// Pure: what the checks say would be dropped, one line each: the database, its server, and what is in it.
std::vector<std::string> drops_of(const std::vector<api::Finding>& findings);

// Fault::invalid without a terminal on standard input and standard error.
Result<void> check_can_ask();

// Names what would be dropped on `out` and waits for the word yes, in any case, on `in`; Fault::invalid for any other
// answer.
Result<void> ask(const std::vector<std::string>& drops, std::istream& in, std::ostream& out);

}  // namespace tributary::cli
