#pragma once

#include <string>

#include "engine/cli/terminal.h"
#include "engine/pipeline/preview.h"

// What --dry-run prints. Pure.
namespace tributary::cli {

// Warnings, then each database with its tables in the order of their copy, then the sum; ends with a line break.
std::string plan_text(const pipeline::SnapshotPlan& plan, const Style& style);

// One object on one line: {"version":1,"parallelism":..,"databases":[{"source":..,"target":..,"steps":..,
// "estimatedSeconds":..,"tables":[{"name":..,"bytes":..,"rows":..,"parts":..,"format":"binary"|"text"}]}],
// "findings":[..]}; bytes and rows are estimates, rows is null where there is none.
std::string plan_json(const pipeline::SnapshotPlan& plan);

}  // namespace tributary::cli
