#pragma once

#include <string>

#include "engine/base/result.h"

namespace tributary::postgres {

// A path to the same contents that only this user can read. libpq refuses a client key that others may read, and
// that is how the files of a mounted Secret come. Where `path` is private already it is the answer; else the contents
// are put into a memory file of this process (nothing is written to disk), reachable as /proc/<pid>/fd/<n> for this
// process and for programs that it starts. The path stays good while the contents stay the same, and for three
// rotations more. Thread-safe. The error names the cause only, never the contents.
Result<std::string> private_path(const std::string& path);

}  // namespace tributary::postgres
