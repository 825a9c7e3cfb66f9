#include "engine/testing/session.h"

#include <libpq-fe.h>

#include <stdexcept>

namespace tributary::testbed {
namespace {

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

bool succeeded(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

Answer run(PGconn* connection, const std::string& sql) {
  Answer answer(PQexec(connection, sql.c_str()));
  if (!succeeded(answer.get())) throw std::runtime_error(PQerrorMessage(connection) + ("in: " + sql));
  return answer;
}

}  // namespace

void Session::Close::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

Session::Session(const std::string& uri) : connection_(PQconnectdb(uri.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection_.get()));
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
}

void Session::exec(const std::string& sql) {
  run(connection_.get(), sql);
}

Rows Session::query(const std::string& sql) {
  const Answer answer = run(connection_.get(), sql);
  Rows rows;
  for (int row = 0; row < PQntuples(answer.get()); ++row) {
    Row& columns = rows.emplace_back();
    for (int column = 0; column < PQnfields(answer.get()); ++column) {
      if (PQgetisnull(answer.get(), row, column)) {
        columns.emplace_back();
      } else {
        columns.emplace_back(PQgetvalue(answer.get(), row, column));
      }
    }
  }
  return rows;
}

std::string Session::scalar(const std::string& sql) {
  const Rows rows = query(sql);
  if (rows.size() != 1 || rows[0].size() != 1) throw std::runtime_error("not one value from: " + sql);
  return rows[0][0].value_or("");
}

std::string Session::sqlstate(const std::string& sql) {
  const Answer answer(PQexec(connection_.get(), sql.c_str()));
  if (succeeded(answer.get())) return "";
  const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
  return state != nullptr ? state : "08006";
}

}  // namespace tributary::testbed
