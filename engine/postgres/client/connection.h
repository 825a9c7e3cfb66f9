#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"

// The sole owner of libpq: beside what implements this header no file of the engine names PGconn or PGresult. All calls
// are non-blocking underneath and honour an Until; a call that is given up cancels the statement on the server and
// drains, so that the connection stays usable where the server answers. One thread at a time per connection. Rules from
// the PostgreSQL documentation, chapters "libpq" (asynchronous processing, COPY) and "Error codes" (A).
namespace tributary::postgres {

// libpq keywords and their values ("host", "port", "dbname", "user", "password", "sslmode", ...). Holds a password:
// never log or print it whole; describe() is the printable form.
using Parameters = std::map<std::string, std::string>;

// Splits a libpq URI or keyword string, percent-decoding included. The error never repeats the text.
Result<Parameters> parse_conninfo(const std::string& conninfo);

// "host:port/dbname as user": safe for logs and errors.
std::string describe(const Parameters& parameters);

// The Fault of a SQLSTATE: connection, resource and serialisation classes are transient but for what a person must
// raise or free (disk, locks, limits), authentication and privilege are denied, unknown objects missing, the rest
// failed.
Fault fault_of(std::string_view sqlstate);

// Whether the server refused the statement for what it says: false for what may pass or has nothing to do with it (the
// connection, resources, a lock, a cancel).
bool is_refusal(std::string_view sqlstate);

// What the server told of the last failed statement beside its message; "" where it told nothing. Names only, but for
// the context: that may hold values of rows, so it is for reading, never for showing.
struct Diagnosis {
  std::string table;
  std::string column;
  std::string constraint;
  std::string routine;  // of the server's source: who raised it
  std::string context;
};

// The rows of one statement in text form. Views stay valid as long as the Rows do.
class Rows {
 public:
  int size() const;
  int columns() const;
  bool is_null(int row, int column) const;
  std::string_view text(int row, int column) const;  // "" for NULL
  std::string str(int row, int column) const { return std::string(text(row, column)); }
  std::optional<std::string> maybe(int row, int column) const;
  bool boolean(int row, int column) const { return text(row, column) == "t"; }
  std::int64_t integer(int row, int column) const;  // 0 for NULL or no number
  double real(int row, int column) const;           // 0 for NULL or no number
  std::uint64_t affected() const;                   // rows of INSERT, UPDATE, DELETE, COPY

 private:
  friend class Connection;
  struct Handle;
  explicit Rows(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<const Handle> handle_;
};

class Connection;

// COPY ... TO STDOUT: one message at a time, as the server framed it (one row). Destroying it before the end cancels
// the statement. Borrows its connection.
class CopyOut {
 public:
  CopyOut(CopyOut&& other) noexcept;
  CopyOut& operator=(CopyOut&&) = delete;
  ~CopyOut();

  // The next message's bytes, valid until the next call; empty when the server has sent everything and reported
  // success. A failure of the statement comes as an Error, never as an end.
  Result<std::span<const std::byte>> next(const Until& until);
  // After begin_copy_out(), and before next(): whether the server has begun to send, as it does when it has some rows;
  // false where it has not within `span`. A failure of the statement comes as an Error.
  Result<bool> begun(Milliseconds span, const Until& until);
  // After the end: rows that the server counted.
  std::uint64_t rows() const { return rows_; }

 private:
  friend class Connection;
  explicit CopyOut(Connection* connection) : connection_(connection) {}
  Connection* connection_;
  char* message_ = nullptr;
  bool begun_ = true;
  std::uint64_t rows_ = 0;
};

// COPY ... FROM STDIN. Small writes are gathered into 64 KiB messages; up to 1 MiB may be unsent, then write() waits.
// finish() is explicit: destroying an unfinished CopyIn fails the statement on the server. Borrows its connection.
// A server that speaks during COPY has failed it: write() then stops at once instead of sending the rest in vain. Set
// client_min_messages = error in such sessions, so that a notice cannot be taken for a failure.
class CopyIn {
 public:
  CopyIn(CopyIn&& other) noexcept;
  CopyIn& operator=(CopyIn&&) = delete;
  ~CopyIn();

  Result<void> write(std::span<const std::byte> bytes, const Until& until);
  // Rows that the server counted.
  Result<std::uint64_t> finish(const Until& until);

 private:
  friend class Connection;
  explicit CopyIn(Connection* connection) : connection_(connection) {}
  Result<void> send(const char* bytes, std::size_t size, const Until& until);
  Result<void> flush(const Until& until);
  Error interrupted(const Until& until);
  Connection* connection_;
  std::vector<char> gathered_;
  std::size_t unsent_ = 0;
};

// A statement under way whose answer may take long, so that its caller can look around meanwhile. Destroying it before
// the answer cancels the statement. Borrows its connection.
class Running {
 public:
  Running(Running&& other) noexcept;
  Running& operator=(Running&&) = delete;
  ~Running();

  // The answer; nothing where the server has not given it within `span`. Not to be called again after an answer or an
  // Error of the statement.
  Result<std::optional<Rows>> wait(Milliseconds span, const Until& until);

 private:
  friend class Connection;
  explicit Running(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

// START_REPLICATION: messages in both directions. Destroying it ends the session, at once and whatever the server does.
// Borrows its connection.
class CopyBoth {
 public:
  CopyBoth(CopyBoth&& other) noexcept;
  CopyBoth& operator=(CopyBoth&&) = delete;
  ~CopyBoth();

  // The next message's bytes, valid until the next call; nothing where none came within `span`, 0 being a mere look.
  // That the server has ended the stream comes as an Error, with its reason where it gave one.
  Result<std::optional<std::span<const std::byte>>> next(Milliseconds span, const Until& until);

  // Hands a message over and waits for nobody: what the socket does not take at once goes out during later calls.
  // False, and nothing kept, where an earlier message still waits.
  Result<bool> send(std::span<const std::byte> bytes);

 private:
  friend class Connection;
  explicit CopyBoth(Connection* connection) : connection_(connection) {}
  Result<void> flush();
  Error ended(const Until& until);
  Connection* connection_;
  char* message_ = nullptr;
  bool unsent_ = false;
};

class Connection {
 public:
  // Connects and applies `settings` (each a SET without the word, e.g. "row_security = off"). What the caller does
  // not give is added: TCP keepalives, application_name, client_encoding UTF8. Gives a host up after 30 seconds, or
  // `connect_timeout`.
  static Result<Connection> open(const Parameters& parameters, const std::vector<std::string>& settings,
                                 const Until& until);

  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // One statement with parameters $1 ...; a missing value is NULL.
  Result<Rows> query(const std::string& sql, const std::vector<std::optional<std::string>>& values, const Until& until);
  Result<Rows> query(const std::string& sql, const Until& until) { return query(sql, {}, until); }

  // Exactly one row, or an Error that says how many came.
  Result<Rows> query_row(const std::string& sql, const std::vector<std::optional<std::string>>& values,
                         const Until& until);

  // Any number of statements in one simple query (one implicit transaction unless it says BEGIN); results dropped.
  Result<void> execute(const std::string& sql, const Until& until);

  // One statement by the simple protocol, which is all that a replication session knows; its rows as text.
  Result<Rows> command(const std::string& sql, const Until& until);
  Result<Running> begin(const std::string& sql, const Until& until);

  // Ends an open transaction whose statements failed; no more than that can go wrong where the session is lost.
  void roll_back();

  Result<CopyOut> copy_out(const std::string& sql, const Until& until);
  // The same without waiting for the server's first word, which comes late of rows that it has to sort.
  Result<CopyOut> begin_copy_out(const std::string& sql, const Until& until);
  Result<CopyIn> copy_in(const std::string& sql, const Until& until);
  Result<CopyBoth> copy_both(const std::string& sql, const Until& until);

  int server_version() const;  // e.g. 150018
  int major_version() const { return server_version() / 10000; }
  // The id of the server process, as it was told while connecting. A pooler tells one that no process has.
  int told_backend() const;
  // A parameter that the server reports by itself ("server_encoding", "in_hot_standby"); "" when it does not.
  std::string reported(const char* name) const;
  // False after a failure that left the session in an unknown state; open a new one then.
  bool usable() const;
  // SQLSTATE of the last failed statement, "" when the failure had none.
  const std::string& sqlstate() const;
  // With a SQLSTATE: more of the same failure.
  const Diagnosis& diagnosis() const;
  // Called with SQLSTATE and message for each NOTICE or WARNING of the server, while one of the other calls runs; by
  // default they are dropped.
  void on_notice(std::function<void(std::string_view, std::string_view)> handler);

 private:
  friend class CopyOut;
  friend class CopyIn;
  friend class Running;
  friend class CopyBoth;
  friend class Pipeline;
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  Result<Rows> answer(const Until& until);
  std::unique_ptr<State> state_;
};

}  // namespace tributary::postgres
