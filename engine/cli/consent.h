#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/cli/options.h"
#include "engine/pipeline/preview.h"

// Nothing is dropped because of a flag alone: somebody says yes beforehand, or at the terminal.
namespace tributary::cli {

// Whether somebody has to be asked. A spec file is a decision that was written down; nobody is asked about it.
bool must_ask(const Options& options);

// Pure: what the plan would drop where it exists, one line each: "database app" or "table app.public.orders".
std::vector<std::string> drops_of(const api::Spec& spec, const pipeline::SnapshotPlan& plan);

// Fault::invalid without a terminal on standard input and standard error.
Result<void> check_can_ask();

// Names what would be dropped and waits for the word yes; Fault::cancelled for any other answer.
Result<void> ask(const std::vector<std::string>& drops);

}  // namespace tributary::cli
