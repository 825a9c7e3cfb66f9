#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

// Where a test server's programs and data come from and as whom it runs.
namespace tributary::testbed {

// Where test servers keep their data: $TMPDIR where it is set, else shared memory where that has room (what a test
// server writes need not outlive it, and a disk makes the suite twice as long), else the machine's temporary folder.
std::filesystem::path servers_parent();

// A freshly made private folder `<parent>/<name>.XXXXXX` which the server's user owns.
std::filesystem::path server_folder(const std::filesystem::path& parent, const std::string& name);

// The installation of one major in the cache that `./dev postgres` fills ($TRIBUTARY_POSTGRES_ROOT).
std::filesystem::path installation(int major);

// Fills `data` with a new cluster's files. initdb's output is kept in the cache and copied; each `ordinal` has its own,
// so that two servers of one process never share a system identifier.
void copy_cluster(int major, int ordinal, const std::filesystem::path& data);

// Of 127.0.0.1; held by nobody at this moment: a race with another process is met by trying again.
int free_port();

// Starts a program, as the unprivileged user where we are root because PostgreSQL refuses root; its output is appended
// to `log`. `input` becomes its standard input, -1 means none.
pid_t launch(const std::vector<std::string>& command, const std::filesystem::path& log, int input = -1);

// launch() and wait; throws when the program fails.
void run_program(const std::vector<std::string>& command, const std::filesystem::path& log);

}  // namespace tributary::testbed
