#pragma once

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/postgres/client/connection.h"

// What a Connection, its COPY streams and its pipeline share of libpq. Private to connection*.cpp, copy_both.cpp,
// copy_stream.cpp and conninfo.cpp.
namespace tributary::postgres {

// How long a cancelled statement may take to be drained, and a failed transaction to be rolled back.
constexpr Milliseconds drain_limit{5000};

struct Freed {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using ConnectionHandle = std::unique_ptr<PGconn, Freed>;
using ResultHandle = std::unique_ptr<PGresult, Freed>;

// The number at the end of a command tag.
std::uint64_t counted_rows(PGresult* result);

// Waits until the socket is ready in one of the ways asked for.
Result<void> wait_for(int socket, short events, const Until& until);
// The same for no longer than `span`: false where it was not ready by then.
Result<bool> ready_within(Milliseconds span, int socket, short events, const Until& until);

struct Connection::State {
  ConnectionHandle handle;
  std::string sqlstate;
  Diagnosis diagnosis;
  bool lost = false;
  std::function<void(std::string_view, std::string_view)> notice;

  PGconn* get() const { return handle.get(); }

  static void receive_notice(void* self, const PGresult* result);

  Error connection_error();

  // The DETAIL of an error can hold a row's values ("Key (email)=(...)"), and for some classes the message and the hint
  // can too ("invalid input syntax for type integer: ..."): there the condition's name stands for both.
  Error result_error(const PGresult* result);

  // Sends what libpq holds, reading meanwhile so that a server that must speak first never blocks both sides.
  Result<void> flush(const Until& until);

  // The next PGresult, or null when the statement has no more.
  Result<ResultHandle> next_result(const Until& until);

  // Asks the server to stop the running statement and reads away what still comes. A server that does not answer
  // makes the connection unusable.
  void abandon();

  Result<void> drain(const Until& until);

  Result<void> drain_copy_out(const Until& until);

  // Runs `body`; when it fails because nobody waits any longer, the statement is cancelled on the server.
  template <class Body>
  auto guarded(Body&& body) -> decltype(body()) {
    auto result = body();
    if (!result && (result.error().fault == Fault::cancelled || result.error().fault == Fault::transient)) abandon();
    return result;
  }

  // Reads results to the end of the statement, so that the connection is free again; the first error wins.
  Result<ResultHandle> last_result(const Until& until);

  Result<void> expect_copy(ExecStatusType wanted, const Until& until);

  Result<void> send(const std::string& sql, const Until& until);
};

}  // namespace tributary::postgres
