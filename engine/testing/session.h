#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct pg_conn;

namespace tributary::testbed {

using Row = std::vector<std::optional<std::string>>;  // a column's text, or nothing for NULL
using Rows = std::vector<Row>;

// A connection for tests, by plain libpq and independent of the engine's own code. Not for sharing between threads.
// Unlike the engine, test code throws: a std::runtime_error with the server's words ends the test that caused it.
class Session {
 public:
  explicit Session(const std::string& uri);

  // One or several statements; their rows are dropped.
  void exec(const std::string& sql);
  // The rows of the last statement.
  Rows query(const std::string& sql);
  // The only column of the only row, "" for NULL.
  std::string scalar(const std::string& sql);
  // Empty when the statement succeeds, else its SQLSTATE.
  std::string sqlstate(const std::string& sql);

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  std::unique_ptr<pg_conn, Close> connection_;
};

}  // namespace tributary::testbed
