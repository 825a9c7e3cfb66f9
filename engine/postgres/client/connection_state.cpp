#include "engine/postgres/client/connection_state.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "engine/base/aside.h"
#include "engine/base/text.h"
#include "engine/postgres/client/condition.h"

namespace tributary::postgres {
namespace {

constexpr const char* words_withheld = "the server's own words may hold values of rows; they are in its log";
constexpr Milliseconds stop_slice{100};  // how often a wait looks at its stop token
constexpr std::uint32_t longest_silence_ms = 60'000;

// A peer that acknowledges nothing of what is on its way to it. Keepalives find one gone only where nothing is, and
// TCP_USER_TIMEOUT would end a session too whose peer is alive but takes no more for that long: Linux counts a shut
// window as silence (net/ipv4/tcp_timer.c, tcp_probe_timer), and a COPY into a busy server shuts it.
bool peer_is_gone(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;  // a Unix socket
  return info.tcpi_unacked > 0 && info.tcpi_retransmits > 0 && info.tcpi_last_ack_recv > longest_silence_ms;
}

// libpq ends its messages with a line break and puts details on lines of their own.
std::string field_of(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : one_line(text);
}

}  // namespace

std::uint64_t counted_rows(PGresult* result) {
  const std::string_view digits = PQcmdTuples(result);
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

Result<void> wait_for(int socket, short events, const Until& until) {
  for (;;) {
    if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while waiting for the server"};
    const Milliseconds left = until.deadline.left();
    if (left.count() == 0) return Error{Fault::transient, "the server did not answer in time"};
    pollfd watched{socket, events, 0};
    const int ready = poll(&watched, 1, static_cast<int>(std::min(left, stop_slice).count()));
    if (ready > 0) return {};
    if (ready == 0 && peer_is_gone(socket)) return Error{Fault::transient, "the server's machine does not answer"};
    if (ready < 0 && errno != EINTR) return Error{Fault::failed, std::string("poll failed: ") + std::strerror(errno)};
  }
}

Fault fault_of(std::string_view sqlstate) {
  if (sqlstate.size() != 5) return Fault::transient;  // no SQLSTATE: the connection broke
  const std::string_view group = sqlstate.substr(0, 2);
  // What passes by itself does so within minutes. A full disk, a table of locks without room, a limit of the
  // configuration are for a person, and a statement that was cancelled had a reason to be.
  static constexpr std::array<std::string_view, 4> for_a_person{"53100", "53200", "53400", "57014"};
  if (group == "08" || group == "53" || group == "57" || group == "40") {
    const bool passes = std::find(for_a_person.begin(), for_a_person.end(), sqlstate) == for_a_person.end();
    return passes ? Fault::transient : Fault::failed;
  }
  if (sqlstate == "55P03") return Fault::transient;  // lock_not_available
  // internal_error: "could not open relation with OID", "cache lookup failed", "tuple concurrently updated": what a
  // query of the catalogs meets beside somebody's DDL.
  if (sqlstate == "XX000") return Fault::transient;
  if (group == "28" || sqlstate == "42501") return Fault::denied;
  if (sqlstate == "3D000" || sqlstate == "42P01" || sqlstate == "3F000" || sqlstate == "42704") return Fault::missing;
  return Fault::failed;
}

bool is_refusal(std::string_view sqlstate) {
  static constexpr std::array<std::string_view, 5> passing{"08", "40", "53", "57", "58"};
  return sqlstate.size() == 5 && sqlstate != "55P03" &&
         std::find(passing.begin(), passing.end(), sqlstate.substr(0, 2)) == passing.end();
}

void Connection::State::receive_notice(void* self, const PGresult* result) {
  const State* state = static_cast<State*>(self);
  if (!state->notice) return;
  state->notice(field_of(result, PG_DIAG_SQLSTATE), field_of(result, PG_DIAG_MESSAGE_PRIMARY));
}

Error Connection::State::connection_error() {
  lost = true;
  sqlstate.clear();
  return Error{Fault::transient, "the connection broke: " + one_line(PQerrorMessage(get()))};
}

Error Connection::State::result_error(const PGresult* result) {
  const auto field = [&](int code) { return field_of(result, code); };
  sqlstate = field(PG_DIAG_SQLSTATE);
  if (sqlstate.empty()) return connection_error();
  diagnosis = {field(PG_DIAG_TABLE_NAME), field(PG_DIAG_COLUMN_NAME), field(PG_DIAG_CONSTRAINT_NAME),
               field(PG_DIAG_SOURCE_FUNCTION), field(PG_DIAG_CONTEXT)};
  const std::string end = " [" + sqlstate + "]";
  if (const auto condition = condition_of(sqlstate))
    return Error{fault_of(sqlstate), std::string(*condition) + end, words_withheld};
  return Error{fault_of(sqlstate), field(PG_DIAG_MESSAGE_PRIMARY) + end, field(PG_DIAG_MESSAGE_HINT)};
}

Result<void> Connection::State::flush(const Until& until) {
  for (;;) {
    const int rest = PQflush(get());
    if (rest < 0) return connection_error();
    if (rest == 0) return {};
    TRY(wait_for(PQsocket(get()), POLLIN | POLLOUT, until));
    if (PQconsumeInput(get()) == 0) return connection_error();
  }
}

Result<ResultHandle> Connection::State::next_result(const Until& until) {
  while (PQisBusy(get()) != 0) {
    TRY(wait_for(PQsocket(get()), POLLIN, until));
    if (PQconsumeInput(get()) == 0) return connection_error();
  }
  return ResultHandle(PQgetResult(get()));
}

void Connection::State::abandon() {
  if (lost || PQstatus(get()) != CONNECTION_OK || PQtransactionStatus(get()) != PQTRANS_ACTIVE) return;
  const Until enough{Deadline::after(drain_limit), {}};
  std::unique_ptr<PGcancel, Freed> cancel(PQgetCancel(get()));
  // PQcancel connects anew and waits for the server to hang up, without an end.
  const Result<bool> cancelled = call_aside(
      [request = std::move(cancel)] {
        char message[256];
        return request != nullptr && PQcancel(request.get(), message, sizeof message) == 1;
      },
      enough);
  if (!cancelled || !*cancelled || !drain(enough)) lost = true;
}

Result<void> Connection::State::drain(const Until& until) {
  for (;;) {
    const ResultHandle result = TRY(next_result(until));
    if (!result) return {};
    const ExecStatusType status = PQresultStatus(result.get());
    // libpq would give this one again and again.
    if (status == PGRES_COPY_BOTH) return Error{Fault::failed, "the server speaks the replication protocol unasked"};
    if (status == PGRES_COPY_OUT) TRY(drain_copy_out(until));
    if (status == PGRES_COPY_IN) {
      PQputCopyEnd(get(), "given up by the client");
      TRY(flush(until));
    }
  }
}

Result<void> Connection::State::drain_copy_out(const Until& until) {
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

Result<ResultHandle> Connection::State::last_result(const Until& until) {
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

Result<void> Connection::State::expect_copy(ExecStatusType wanted, const Until& until) {
  const ResultHandle result = TRY(next_result(until));
  if (!result) return connection_error();
  if (PQresultStatus(result.get()) == wanted) return {};
  Error error = PQresultStatus(result.get()) == PGRES_FATAL_ERROR ? result_error(result.get())
                                                                  : Error{Fault::failed, "the statement is no COPY"};
  TRY(drain(until));
  return error;
}

Result<void> Connection::State::send(const std::string& sql, const Until& until) {
  sqlstate.clear();
  if (PQsendQuery(get(), sql.c_str()) == 0) return connection_error();
  return flush(until);
}

}  // namespace tributary::postgres
