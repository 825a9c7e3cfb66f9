#pragma once

#include <string>
#include <vector>

#include "engine/api/progress.h"
#include "engine/cli/speed.h"
#include "engine/cli/terminal.h"

namespace tributary::cli {

// The live display: one line for the whole, then one for each table being copied or compared, none wider than the
// screen and together lower than it. Pure; the lines hold no escape sequence.
std::vector<std::string> view(const api::Progress& progress, const Speeds& speeds, Screen screen);

// The same in one line, for a log: "copying 42%, 3 of 9 tables, 1,234 rows, 1.2 MB of 2.9 MB, 85 MB/s, 21s left".
std::string summary(const api::Progress& progress, const Speeds& speeds);

}  // namespace tributary::cli
