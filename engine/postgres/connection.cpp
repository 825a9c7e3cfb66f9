#include "engine/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace tributary::postgres {
namespace {

constexpr std::size_t message_size = 64 * 1024;
constexpr std::size_t unsent_limit = 1024 * 1024;
// How often a wait looks at its stop token, and how long a cancelled statement may take to be drained.
constexpr Milliseconds stop_slice{100};
constexpr Milliseconds drain_limit{5000};
// A session whose client was killed must not go on with a long statement, nor wait for a lock with those it has.
// Servers on some platforms take no value but 0 (src/backend/tcop/postgres.c, check_client_connection_check_interval).
constexpr const char* notice_a_lost_client =
    "DO $$BEGIN SET client_connection_check_interval = '5s'; EXCEPTION WHEN others THEN NULL; END$$;";

struct Freed {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using ConnectionHandle = std::unique_ptr<PGconn, Freed>;
using ResultHandle = std::unique_ptr<PGresult, Freed>;

// libpq ends its messages with a line break and puts details on lines of their own.
std::string one_line(const char* text) {
  std::string line = text == nullptr ? "" : text;
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  for (char& c : line) {
    if (c == '\n' || c == '\t' || c == '\r') c = ' ';
  }
  return line;
}

// The number at the end of a command tag.
std::uint64_t counted_rows(PGresult* result) {
  const std::string_view digits = PQcmdTuples(result);
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// Waits until the socket is ready in one of the ways asked for.
Result<void> wait_for(int socket, short events, const Until& until) {
  for (;;) {
    if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while waiting for the server"};
    const Milliseconds left = until.deadline.left();
    if (left.count() == 0) return Error{Fault::transient, "the server did not answer in time"};
    pollfd watched{socket, events, 0};
    const int ready = poll(&watched, 1, static_cast<int>(std::min(left, stop_slice).count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return Error{Fault::failed, std::string("poll failed: ") + std::strerror(errno)};
  }
}

short ready_now(int socket) {
  pollfd watched{socket, POLLIN | POLLOUT, 0};
  return poll(&watched, 1, 0) > 0 ? watched.revents : static_cast<short>(0);
}

// A refused password or an unknown role arrives while connecting, without a PGresult: libpq of Debian 12 keeps no
// SQLSTATE for it, so the server's own words decide. They are the untranslated ones of the startup phase
// (src/backend/libpq/auth.c, src/backend/utils/init/postinit.c); a translated server falls back to transient.
Fault fault_of_connect_failure(const std::string& message) {
  static constexpr std::pair<const char*, Fault> known[] = {{"too many connections", Fault::transient},
                                                            {"password authentication failed", Fault::denied},
                                                            {"no password supplied", Fault::denied},
                                                            {"no pg_hba.conf entry", Fault::denied},
                                                            {"pg_hba.conf rejects", Fault::denied},
                                                            {"is not permitted to log in", Fault::denied},
                                                            {"authentication failed", Fault::denied},
                                                            {"permission denied", Fault::denied},
                                                            {"role \"", Fault::denied},
                                                            {"certificate verify failed", Fault::denied},
                                                            {"root certificate file", Fault::invalid},
                                                            {"server does not support SSL", Fault::invalid},
                                                            {"does not match host name", Fault::denied},
                                                            {"database \"", Fault::missing},
                                                            {"invalid ", Fault::invalid}};
  for (const auto& [words, fault] : known) {
    if (message.find(words) != std::string::npos) return fault;
  }
  return Fault::transient;
}

Error connect_error(const Parameters& parameters, PGconn* connection) {
  const std::string message = one_line(PQerrorMessage(connection));
  Error error{fault_of_connect_failure(message), "cannot connect to " + describe(parameters) + ": " + message};
  if (error.fault == Fault::denied) error.hint = "check user, password and the server's pg_hba.conf";
  if (error.fault == Fault::transient)
    error.hint = "check host, port and whether the network lets this machine through";
  return error;
}

Result<void> finish_connecting(PGconn* connection, const Parameters& parameters, const Until& until) {
  short events = POLLOUT;
  for (;;) {
    Result<void> ready = wait_for(PQsocket(connection), events, until);
    if (!ready) return within("cannot connect to " + describe(parameters), ready.error());
    switch (PQconnectPoll(connection)) {
      case PGRES_POLLING_OK:
        return {};
      case PGRES_POLLING_READING:
        events = POLLIN;
        break;
      case PGRES_POLLING_WRITING:
        events = POLLOUT;
        break;
      case PGRES_POLLING_FAILED:
      case PGRES_POLLING_ACTIVE:
        return connect_error(parameters, connection);
    }
  }
}

Parameters with_defaults(Parameters parameters) {
  const std::pair<const char*, const char*> defaults[] = {
      {"application_name", "tributary"}, {"client_encoding", "UTF8"},   {"keepalives", "1"},
      {"keepalives_idle", "30"},         {"keepalives_interval", "10"}, {"keepalives_count", "3"},
      {"tcp_user_timeout", "60000"}};
  for (const auto& [keyword, value] : defaults) parameters.try_emplace(keyword, value);
  return parameters;
}

ConnectionHandle start(const Parameters& parameters) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : parameters) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return ConnectionHandle(PQconnectStartParams(keywords.data(), values.data(), 0));
}

// libpq takes the first @ or / for the end of a URI's password, and the rest of a password that holds one for host, port
// or database, which errors name.
bool has_stray_at(std::string_view conninfo) {
  const std::size_t scheme = conninfo.find("://");
  if (!conninfo.starts_with("postgres") || scheme == conninfo.npos) return false;
  const std::string_view rest = conninfo.substr(scheme + 3);
  const std::string_view place = rest.substr(0, rest.find('?'));
  const std::size_t first = place.find('@');
  return first != place.npos && (place.find('@', first + 1) != place.npos || place.find('/') < first);
}

}  // namespace

// ---------------------------------------------------------------------------------------------- parameters

Result<Parameters> parse_conninfo(const std::string& conninfo) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, Freed> options(PQconninfoParse(conninfo.c_str(), &message));
  // libpq's message may repeat parts of the text, and so a password: it is dropped.
  PQfreemem(message);
  if (!options || has_stray_at(conninfo)) {
    return Error{
        Fault::invalid, "the connection string is malformed",
        "write postgresql://user@host:port/dbname or host=... dbname=...; encode : / @ % in a password as %XX"};
  }
  Parameters parameters;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parameters[option->keyword] = option->val;
  }
  return parameters;
}

std::string describe(const Parameters& parameters) {
  const auto value = [&](const char* keyword, const char* otherwise) {
    const auto found = parameters.find(keyword);
    return found == parameters.end() || found->second.empty() ? std::string(otherwise) : found->second;
  };
  std::string text = value("host", value("hostaddr", "localhost").c_str()) + ":" + value("port", "5432");
  const std::string database = value("dbname", "");
  if (!database.empty()) text += "/" + database;
  const std::string user = value("user", "");
  if (!user.empty()) text += " as " + user;
  return text;
}

Fault fault_of(std::string_view sqlstate) {
  if (sqlstate.size() != 5) return Fault::transient;  // no SQLSTATE: the connection broke
  const std::string_view group = sqlstate.substr(0, 2);
  if (group == "08" || group == "53" || group == "57" || group == "40") {
    return sqlstate == "53100" || sqlstate == "57014" ? Fault::failed : Fault::transient;  // disk full, cancelled
  }
  if (sqlstate == "55P03") return Fault::transient;  // lock_not_available
  if (group == "28" || sqlstate == "42501") return Fault::denied;
  if (sqlstate == "3D000" || sqlstate == "42P01" || sqlstate == "3F000" || sqlstate == "42704") return Fault::missing;
  return Fault::failed;
}

// ---------------------------------------------------------------------------------------------- rows

struct Rows::Handle {
  ResultHandle result;
};

int Rows::size() const {
  return PQntuples(handle_->result.get());
}
int Rows::columns() const {
  return PQnfields(handle_->result.get());
}
bool Rows::is_null(int row, int column) const {
  return PQgetisnull(handle_->result.get(), row, column) == 1;
}

std::string_view Rows::text(int row, int column) const {
  const PGresult* result = handle_->result.get();
  return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

std::optional<std::string> Rows::maybe(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return str(row, column);
}

std::int64_t Rows::integer(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

double Rows::real(int row, int column) const {
  const std::string_view digits = text(row, column);
  double number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::uint64_t Rows::affected() const {
  return counted_rows(handle_->result.get());
}

// ---------------------------------------------------------------------------------------------- connection

struct Connection::State {
  ConnectionHandle handle;
  std::string sqlstate;
  bool lost = false;
  std::function<void(std::string_view)> notice;

  PGconn* get() const { return handle.get(); }

  static void receive_notice(void* self, const PGresult* result) {
    const State* state = static_cast<State*>(self);
    if (!state->notice) return;
    const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    state->notice(one_line(text));
  }

  Error connection_error() {
    lost = true;
    sqlstate.clear();
    return Error{Fault::transient, "the connection broke: " + one_line(PQerrorMessage(get()))};
  }

  // The DETAIL of an error can hold a row's values ("Key (email)=(...)"), so only the primary message, the context's
  // names and the server's hint are kept.
  Error result_error(const PGresult* result) {
    const char* code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    sqlstate = code == nullptr ? "" : code;
    const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char* hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    if (sqlstate.empty()) return connection_error();
    std::string what = one_line(primary) + " [" + sqlstate + "]";
    return Error{fault_of(sqlstate), std::move(what), one_line(hint)};
  }

  // Sends what libpq holds, reading meanwhile so that a server that must speak first never blocks both sides.
  Result<void> flush(const Until& until) {
    for (;;) {
      const int rest = PQflush(get());
      if (rest < 0) return connection_error();
      if (rest == 0) return {};
      TRY(wait_for(PQsocket(get()), POLLIN | POLLOUT, until));
      if (PQconsumeInput(get()) == 0) return connection_error();
    }
  }

  // The next PGresult, or null when the statement has no more.
  Result<ResultHandle> next_result(const Until& until) {
    while (PQisBusy(get()) != 0) {
      TRY(wait_for(PQsocket(get()), POLLIN, until));
      if (PQconsumeInput(get()) == 0) return connection_error();
    }
    return ResultHandle(PQgetResult(get()));
  }

  // Asks the server to stop the running statement and reads away what still comes. A server that does not answer
  // makes the connection unusable.
  void abandon() {
    if (lost || PQstatus(get()) != CONNECTION_OK || PQtransactionStatus(get()) != PQTRANS_ACTIVE) return;
    const std::unique_ptr<PGcancel, Freed> cancel(PQgetCancel(get()));
    char message[256];
    if (!cancel || PQcancel(cancel.get(), message, sizeof message) == 0) {
      lost = true;
      return;
    }
    if (!drain({Deadline::after(drain_limit), {}})) lost = true;
  }

  Result<void> drain(const Until& until) {
    for (;;) {
      const ResultHandle result = TRY(next_result(until));
      if (!result) return {};
      const ExecStatusType status = PQresultStatus(result.get());
      if (status == PGRES_COPY_OUT) TRY(drain_copy_out(until));
      if (status == PGRES_COPY_IN) {
        PQputCopyEnd(get(), "given up by the client");
        TRY(flush(until));
      }
    }
  }

  Result<void> drain_copy_out(const Until& until) {
    for (;;) {
      char* message = nullptr;
      const int size = PQgetCopyData(get(), &message, 1);
      PQfreemem(message);
      if (size < 0) return {};
      if (size > 0) continue;
      TRY(wait_for(PQsocket(get()), POLLIN, until));
      if (PQconsumeInput(get()) == 0) return connection_error();
    }
  }

  // Runs `body`; when it fails because nobody waits any longer, the statement is cancelled on the server.
  template <class Body>
  auto guarded(Body&& body) -> decltype(body()) {
    auto result = body();
    if (!result && (result.error().fault == Fault::cancelled || result.error().fault == Fault::transient)) abandon();
    return result;
  }

  // Reads results to the end of the statement, so that the connection is free again; the first error wins.
  Result<ResultHandle> last_result(const Until& until) {
    ResultHandle last;
    Result<void> outcome;
    for (;;) {
      ResultHandle result = TRY(next_result(until));
      if (!result) break;
      switch (PQresultStatus(result.get())) {
        case PGRES_FATAL_ERROR:
        case PGRES_BAD_RESPONSE:
        case PGRES_NONFATAL_ERROR:
          if (outcome) outcome = result_error(result.get());
          break;
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
          abandon();
          return Error{Fault::failed, "a COPY was run as an ordinary statement"};
        default:
          last = std::move(result);
      }
      if (PQstatus(get()) == CONNECTION_BAD) return connection_error();
    }
    if (!outcome) return outcome.error();
    return last;
  }

  Result<void> expect_copy(ExecStatusType wanted, const Until& until) {
    const ResultHandle result = TRY(next_result(until));
    if (!result) return connection_error();
    if (PQresultStatus(result.get()) == wanted) return {};
    Error error = PQresultStatus(result.get()) == PGRES_FATAL_ERROR ? result_error(result.get())
                                                                    : Error{Fault::failed, "the statement is no COPY"};
    TRY(drain(until));
    return error;
  }

  Result<void> send(const std::string& sql, const Until& until) {
    sqlstate.clear();
    if (PQsendQuery(get(), sql.c_str()) == 0) return connection_error();
    return flush(until);
  }
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::open(const Parameters& parameters, const std::vector<std::string>& settings,
                                    const Until& until) {
  auto state = std::make_unique<State>();
  state->handle = start(with_defaults(parameters));
  if (!state->handle) return Error{Fault::failed, "out of memory"};
  if (PQstatus(state->get()) == CONNECTION_BAD) return connect_error(parameters, state->get());
  TRY(finish_connecting(state->get(), parameters, until));
  PQsetNoticeReceiver(state->get(), &State::receive_notice, state.get());
  if (PQsetnonblocking(state->get(), 1) != 0) return state->connection_error();

  Connection connection(std::move(state));
  std::string sets;
  for (const std::string& setting : settings) sets += "SET " + setting + ";";
  if (connection.major_version() >= 14) sets += notice_a_lost_client;
  if (!sets.empty()) {
    Result<void> applied = connection.execute(sets, until);
    if (!applied) return within("session settings at " + describe(parameters), applied.error());
  }
  return connection;
}

Result<Rows> Connection::query(const std::string& sql, const std::vector<std::optional<std::string>>& values,
                               const Until& until) {
  std::vector<const char*> texts;
  for (const auto& value : values) texts.push_back(value ? value->c_str() : nullptr);
  State& state = *state_;
  state.sqlstate.clear();
  return state.guarded([&]() -> Result<Rows> {
    if (PQsendQueryParams(state.get(), sql.c_str(), static_cast<int>(texts.size()), nullptr, texts.data(), nullptr,
                          nullptr, 0) == 0) {
      return state.connection_error();
    }
    TRY(state.flush(until));
    ResultHandle result = TRY(state.last_result(until));
    if (!result) return state.connection_error();
    return Rows(std::make_shared<const Rows::Handle>(Rows::Handle{std::move(result)}));
  });
}

Result<Rows> Connection::query_row(const std::string& sql, const std::vector<std::optional<std::string>>& values,
                                   const Until& until) {
  Rows rows = TRY(query(sql, values, until));
  if (rows.size() != 1) {
    return Error{Fault::failed, "a query for one row gave " + std::to_string(rows.size()) + " rows"};
  }
  return rows;
}

Result<void> Connection::execute(const std::string& sql, const Until& until) {
  State& state = *state_;
  return state.guarded([&]() -> Result<void> {
    TRY(state.send(sql, until));
    TRY(state.last_result(until));
    return {};
  });
}

Result<CopyOut> Connection::copy_out(const std::string& sql, const Until& until) {
  State& state = *state_;
  return state.guarded([&]() -> Result<CopyOut> {
    TRY(state.send(sql, until));
    TRY(state.expect_copy(PGRES_COPY_OUT, until));
    return CopyOut(this);
  });
}

Result<CopyIn> Connection::copy_in(const std::string& sql, const Until& until) {
  State& state = *state_;
  return state.guarded([&]() -> Result<CopyIn> {
    TRY(state.send(sql, until));
    TRY(state.expect_copy(PGRES_COPY_IN, until));
    return CopyIn(this);
  });
}

int Connection::server_version() const {
  return PQserverVersion(state_->get());
}

std::string Connection::reported(const char* name) const {
  const char* value = PQparameterStatus(state_->get(), name);
  return value == nullptr ? "" : value;
}

bool Connection::usable() const {
  return !state_->lost && PQstatus(state_->get()) == CONNECTION_OK &&
         PQtransactionStatus(state_->get()) != PQTRANS_ACTIVE;
}

const std::string& Connection::sqlstate() const {
  return state_->sqlstate;
}

void Connection::on_notice(std::function<void(std::string_view)> handler) {
  state_->notice = std::move(handler);
}

// ---------------------------------------------------------------------------------------------- COPY

CopyOut::CopyOut(CopyOut&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      message_(std::exchange(other.message_, nullptr)),
      rows_(other.rows_) {}

CopyOut::~CopyOut() {
  PQfreemem(message_);
  if (connection_ != nullptr) connection_->state_->abandon();
}

Result<std::span<const std::byte>> CopyOut::next(const Until& until) {
  if (connection_ == nullptr) return std::span<const std::byte>{};
  Connection::State& state = *connection_->state_;
  for (;;) {
    PQfreemem(std::exchange(message_, nullptr));
    const int size = PQgetCopyData(state.get(), &message_, 1);
    if (size > 0) return std::as_bytes(std::span(message_, static_cast<std::size_t>(size)));
    if (size < 0) break;  // the end, or an error that the result tells
    TRY(wait_for(PQsocket(state.get()), POLLIN, until));
    if (PQconsumeInput(state.get()) == 0) {
      connection_ = nullptr;
      return state.connection_error();
    }
  }
  const ResultHandle result = TRY(state.last_result(until));
  if (!result) return state.connection_error();
  rows_ = counted_rows(result.get());
  connection_ = nullptr;
  return std::span<const std::byte>{};
}

CopyIn::CopyIn(CopyIn&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      gathered_(std::move(other.gathered_)),
      unsent_(other.unsent_) {}

CopyIn::~CopyIn() {
  if (connection_ != nullptr) connection_->state_->abandon();
}

Result<void> CopyIn::write(std::span<const std::byte> bytes, const Until& until) {
  const char* data = reinterpret_cast<const char*>(bytes.data());
  if (gathered_.size() + bytes.size() < message_size) {
    gathered_.insert(gathered_.end(), data, data + bytes.size());
    return {};
  }
  if (!gathered_.empty()) {
    TRY(send(gathered_.data(), gathered_.size(), until));
    gathered_.clear();
  }
  if (bytes.size() >= message_size) return send(data, bytes.size(), until);
  gathered_.assign(data, data + bytes.size());
  return {};
}

Result<void> CopyIn::send(const char* bytes, std::size_t size, const Until& until) {
  Connection::State& state = *connection_->state_;
  // CopyData's length word counts itself in 32 bits; a single row of binary COPY stays below 1 GiB.
  if (size > (std::size_t{1} << 30)) return Error{Fault::failed, "a row is larger than 1 GiB"};
  if (PQputCopyData(state.get(), bytes, static_cast<int>(size)) < 0) return state.connection_error();
  unsent_ += size;
  return flush(until);
}

// Looks at the socket before libpq does: libpq reads what comes in as soon as a send would block, and then nobody can
// tell any longer that the server spoke. A word of the server that slips through is heard at the end of the COPY.
Result<void> CopyIn::flush(const Until& until) {
  Connection::State& state = *connection_->state_;
  while (unsent_ > 0) {
    const short ready = ready_now(PQsocket(state.get()));
    if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0) return interrupted(until);
    if ((ready & POLLOUT) != 0) {
      const int rest = PQflush(state.get());
      if (rest < 0) return state.connection_error();
      if (rest == 0) unsent_ = 0;
    } else if (unsent_ < unsent_limit) {
      return {};
    } else {
      TRY(wait_for(PQsocket(state.get()), POLLIN | POLLOUT, until));
    }
  }
  return {};
}

Error CopyIn::interrupted(const Until& until) {
  Connection::State& state = *std::exchange(connection_, nullptr)->state_;
  if (PQputCopyEnd(state.get(), "the server spoke during COPY") < 0) return state.connection_error();
  const Result<void> flushed = state.flush(until);
  if (!flushed) return flushed.error();
  const Result<ResultHandle> result = state.last_result(until);
  return result ? Error{Fault::failed, "COPY ended before all rows were sent"} : result.error();
}

// Until the server has answered, giving up leaves the rest to the destructor.
Result<std::uint64_t> CopyIn::finish(const Until& until) {
  Connection::State& state = *connection_->state_;
  if (!gathered_.empty()) TRY(send(gathered_.data(), gathered_.size(), until));
  gathered_.clear();
  if (PQputCopyEnd(state.get(), nullptr) < 0) return state.connection_error();
  TRY(state.flush(until));
  const Result<ResultHandle> outcome = state.last_result(until);
  if (!outcome) return outcome.error();
  connection_ = nullptr;
  const PGresult* result = outcome->get();
  if (result == nullptr) return state.connection_error();
  return counted_rows(const_cast<PGresult*>(result));
}

}  // namespace tributary::postgres
