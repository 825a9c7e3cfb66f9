#include <poll.h>

#include <algorithm>
#include <charconv>

#include "engine/base/aside.h"
#include "engine/base/text.h"
#include "engine/postgres/client/connection_state.h"

namespace tributary::postgres {
namespace {

// A server that is there answers sooner; a firewall that drops packets never does. Of several hosts libpq tries the
// next when the kernel gave one up, which takes it 127 seconds.
constexpr Seconds limit_of_one_host{30};
constexpr Seconds limit_per_host{130};

// A refused password or an unknown role arrives while connecting, without a PGresult: libpq of Debian 12 keeps no
// SQLSTATE for it, so the server's own words decide. They are the untranslated ones of the startup phase
// (src/backend/libpq/auth.c, src/backend/utils/init/postinit.c); a translated server falls back to transient.
Fault fault_of_connect_failure(const std::string& message) {
  static constexpr std::pair<const char*, Fault> known[] = {
      {"definition of service ", Fault::invalid},
      {"service file ", Fault::invalid},
      {"too many connections", Fault::transient},
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
      {"is not currently accepting connections", Fault::transient},
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
  if (message.find("service ") != std::string::npos && error.fault == Fault::invalid)
    error.hint = "correct the service's name, or the file that defines it (PGSERVICEFILE, ~/.pg_service.conf)";
  if (message.find("invalid port number") != std::string::npos || message.find("option \"port\"") != std::string::npos)
    error.hint = "correct the port: a number from 1 to 65535";
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
      {"keepalives_idle", "30"},         {"keepalives_interval", "10"}, {"keepalives_count", "3"}};
  for (const auto& [keyword, value] : defaults) parameters.try_emplace(keyword, value);
  return parameters;
}

// Beside the first.
std::ptrdiff_t further_hosts(const Parameters& parameters) {
  const auto host = parameters.find(parameters.count("hostaddr") != 0 ? "hostaddr" : "host");
  return host == parameters.end() ? 0 : std::count(host->second.begin(), host->second.end(), ',');
}

Milliseconds limit_of(const Parameters& parameters) {
  const auto given = parameters.find("connect_timeout");
  Seconds::rep seconds = 0;
  if (given != parameters.end())
    std::from_chars(given->second.data(), given->second.data() + given->second.size(), seconds);
  const std::ptrdiff_t further = further_hosts(parameters);
  if (seconds > 0) return Seconds{seconds} * (1 + further);
  return further == 0 ? limit_of_one_host : limit_per_host * (1 + further);
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

// Resolving a host's name may take minutes, which nothing interrupts: that of the first when libpq starts, those of
// others when their turn comes (PQconnectPoll).
Result<ConnectionHandle> connect(const Parameters& parameters, const Until& until) {
  const bool several = further_hosts(parameters) > 0;
  auto started = call_aside(
      [given = with_defaults(parameters), parameters, several, until]() -> Result<ConnectionHandle> {
        ConnectionHandle handle = start(given);
        if (!handle) return Error{Fault::failed, "out of memory"};
        if (PQstatus(handle.get()) == CONNECTION_BAD) return connect_error(parameters, handle.get());
        if (several) TRY(finish_connecting(handle.get(), parameters, until));
        return handle;
      },
      until);
  if (!started) return within("cannot resolve the host of " + describe(parameters), started.error());
  if (!started->ok()) return started->error();
  ConnectionHandle handle = std::move(*started).value();
  if (!several) TRY(finish_connecting(handle.get(), parameters, until));
  return handle;
}

}  // namespace

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

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::open(const Parameters& parameters, const std::vector<std::string>& settings,
                                    const Until& until) {
  auto state = std::make_unique<State>();
  state->handle = TRY(connect(parameters, until.within(limit_of(parameters))));
  // Else libpq puts the line of the statement that an error is about into its message, and whatever that holds.
  PQsetErrorVerbosity(state->get(), PQERRORS_TERSE);
  PQsetNoticeReceiver(state->get(), &State::receive_notice, state.get());
  if (PQsetnonblocking(state->get(), 1) != 0) return state->connection_error();

  Connection connection(std::move(state));
  std::string sets;
  for (const std::string& setting : settings) sets += "SET " + setting + ";";
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
    return answer(until);
  });
}

Result<Rows> Connection::answer(const Until& until) {
  ResultHandle result = TRY(state_->last_result(until));
  if (!result) return state_->connection_error();
  return Rows(std::make_shared<const Rows::Handle>(Rows::Handle{std::move(result)}));
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

Result<Rows> Connection::command(const std::string& sql, const Until& until) {
  return state_->guarded([&]() -> Result<Rows> {
    TRY(state_->send(sql, until));
    return answer(until);
  });
}

void Connection::roll_back() {
  if (usable()) static_cast<void>(execute("ROLLBACK", {Deadline::after(drain_limit), {}}));
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

int Connection::told_backend() const {
  return PQbackendPID(state_->get());
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

const Diagnosis& Connection::diagnosis() const {
  return state_->diagnosis;
}

void Connection::on_notice(std::function<void(std::string_view, std::string_view)> handler) {
  state_->notice = std::move(handler);
}

}  // namespace tributary::postgres
