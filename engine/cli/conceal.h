#pragma once

namespace tributary::cli {

// Overwrites the process's own arguments that hold or may hold a connection string, so that `ps` and
// /proc/<pid>/cmdline show asterisks instead: values of --source and --target unless they are @FILE, and every
// argument with "://" or "password" in it. Call it first, after copying the arguments.
void conceal_connection_strings(int count, char** arguments);

}  // namespace tributary::cli
