#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "engine/postgres/client/connection.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/testing/postgres_server.h"

// The two kinds of session that a stream has on its source, to a test's database.
namespace tributary::postgres {

inline Until soon() {
  return {Deadline::after(Seconds(60)), {}};
}

inline Connection ordinary_session(const testbed::Database& database) {
  auto session = open_source_session(parse_conninfo(database.uri()).value(), "test", soon());
  EXPECT_TRUE(session) << session.error().what;
  return std::move(session).value();
}

inline Connection replication_session(const testbed::Database& database) {
  auto session = open_replication_session(parse_conninfo(database.uri()).value(), "stream", soon());
  EXPECT_TRUE(session) << session.error().what;
  return std::move(session).value();
}

}  // namespace tributary::postgres
