#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/pipeline/progress.h"
#include "engine/testing/postgres_server.h"

// A whole snapshot between two test servers, inside the test's own process.
namespace tributary::testbed {

// A source and a target, both empty, on the servers that all tests use.
struct Ends {
  Database source;
  Database target;
};
Ends ends(const std::string& name, int from = 15, int to = 18);

// From one URI to the other; roles stay away, since they belong to a whole server that other tests
// use too. Puts the newest pg_dump of the cache into PATH; call it before there are threads.
api::Spec spec_between(const std::string& source, const std::string& target);

// Runs it to its end; five minutes are enough for any test.
api::Report snapshot(const api::Spec& spec);
api::Report snapshot(const api::Spec& spec, pipeline::ProgressBoard& board);

// Whether the report is that of a success; it is shown where it is not.
testing::AssertionResult done(const api::Report& report);
// Whether the run failed with this exit code and named `words`.
testing::AssertionResult failed(const api::Report& report, api::ExitCode code, const std::string& words);

// Whether both databases hold the same rows and sequences, by the tests' own fingerprint.
testing::AssertionResult same_content(const std::string& source, const std::string& target);

// Looks again until it is true; throws when that takes longer than a minute.
void wait_until(const std::string& what, const std::function<bool()>& is_true);

// Sessions of one database whose application_name is like `pattern`.
int sessions(PostgresServer& server, const std::string& database, const std::string& pattern);

}  // namespace tributary::testbed
