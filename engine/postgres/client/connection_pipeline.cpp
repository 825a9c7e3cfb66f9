#include "engine/postgres/client/connection_pipeline.h"

#include <poll.h>

#include <memory>

#include "engine/base/aside.h"
#include "engine/postgres/client/connection_state.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t flush_at = 64 * 1024;
constexpr std::size_t kept_capacity = 1024 * 1024;
// A message's length word counts itself in 31 bits, and libpq's buffer no more than that.
constexpr std::size_t largest_statement = std::size_t{1} << 30;

void request_cancel(PGconn* connection) {
  std::unique_ptr<PGcancel, Freed> cancel(PQgetCancel(connection));
  static_cast<void>(call_aside(
      [request = std::move(cancel)] {
        char message[256];
        return request != nullptr && PQcancel(request.get(), message, sizeof message) == 1;
      },
      Until{Deadline::after(drain_limit), {}}));
}

}  // namespace

Pipeline::Pipeline(Connection& connection) : connection_(&connection) {}

Pipeline::~Pipeline() {
  if (!active_) return;
  Connection::State& state = *connection_->state_;
  if (!state.lost && PQstatus(state.get()) == CONNECTION_OK && !expected_.empty()) request_cancel(state.get());
  state.lost = true;
}

Result<void> Pipeline::enter() {
  if (active_) return {};
  Connection::State& state = *connection_->state_;
  state.sqlstate.clear();
  error_.reset();
  failed_.reset();
  if (PQenterPipelineMode(state.get()) == 0) return state.connection_error();
  active_ = true;
  return {};
}

Result<void> Pipeline::prepare(const std::string& name, const std::string& sql, std::span<const std::uint32_t> types,
                               Tag tag, const Until& until) {
  TRY(enter());
  static_assert(sizeof(Oid) == sizeof(std::uint32_t));
  PGconn* const connection = connection_->state_->get();
  if (PQsendPrepare(connection, name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()) == 0)
    return give_up(connection_->state_->connection_error(), until);
  return sent(sql.size(), {tag, std::nullopt}, until);
}

Result<void> Pipeline::execute(const std::string& name, std::span<const Parameter> parameters,
                               std::optional<std::uint64_t> rows, Tag tag, const Until& until) {
  TRY(enter());
  std::size_t size = 0;
  for (const Parameter& parameter : parameters) size += parameter.bytes ? parameter.bytes->size() + 1 : 0;
  if (size > largest_statement) return give_up({Fault::failed, "a statement is larger than 1 GiB"}, until);
  if (texts_.capacity() > kept_capacity) texts_ = std::string();
  texts_.clear();
  texts_.reserve(size);
  values_.clear();
  sizes_.clear();
  formats_.clear();
  for (const Parameter& parameter : parameters) {
    const bool binary = parameter.format == Parameter::Format::binary;
    formats_.push_back(binary ? 1 : 0);
    sizes_.push_back(parameter.bytes ? static_cast<int>(parameter.bytes->size()) : 0);
    if (!parameter.bytes) {
      values_.push_back(nullptr);
    } else if (binary) {
      values_.push_back(parameter.bytes->data());
    } else {
      if (parameter.bytes->find('\0') != std::string_view::npos)
        return give_up({Fault::failed, "a value in text form holds a NUL byte"}, until);
      values_.push_back(texts_.data() + texts_.size());
      texts_.append(*parameter.bytes).push_back('\0');
    }
  }
  PGconn* const connection = connection_->state_->get();
  if (PQsendQueryPrepared(connection, name.c_str(), static_cast<int>(values_.size()), values_.data(), sizes_.data(),
                          formats_.data(), 0) == 0)
    return give_up(connection_->state_->connection_error(), until);
  return sent(size + name.size() + 8 * parameters.size(), {tag, rows}, until);
}

Result<void> Pipeline::run(const std::string& sql, Tag tag, const Until& until) {
  TRY(enter());
  PGconn* const connection = connection_->state_->get();
  if (PQsendQueryParams(connection, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0)
    return give_up(connection_->state_->connection_error(), until);
  return sent(sql.size(), {tag, std::nullopt}, until);
}

Result<void> Pipeline::sent(std::size_t bytes, const Expected& expected, const Until& until) {
  expected_.push_back(expected);
  unsent_ += bytes + 64;  // the messages' own words, about
  return unsent_ < flush_at ? Result<void>{} : flush(until);
}

// Reads what has come while it writes: a server whose answers nobody takes would take no more statements.
Result<void> Pipeline::flush(const Until& until) {
  if (!active_) return {};
  Connection::State& state = *connection_->state_;
  const Result<void> flushed = [&]() -> Result<void> {
    for (;;) {
      const int rest = PQflush(state.get());
      if (rest < 0) return state.connection_error();
      if (rest == 0) break;
      TRY(wait_for(PQsocket(state.get()), POLLIN | POLLOUT, until));
      if (PQconsumeInput(state.get()) == 0) return state.connection_error();
      TRY(collect());
    }
    unsent_ = 0;
    if (PQconsumeInput(state.get()) == 0) return state.connection_error();
    return collect();
  }();
  if (!flushed) return give_up(flushed.error(), until);
  return {};
}

// One answer for each statement. The null results between them say nothing: libpq leaves one out where a statement is
// sent after a failure (pqAppendCmdQueueEntry in src/interfaces/libpq/fe-exec.c).
Result<void> Pipeline::collect() {
  Connection::State& state = *connection_->state_;
  int nothing = 0;
  while (!expected_.empty() && PQisBusy(state.get()) == 0) {
    const ResultHandle result(PQgetResult(state.get()));
    if (result) {
      nothing = 0;
      TRY(take_answer(result.get()));
    } else if (PQstatus(state.get()) != CONNECTION_OK || ++nothing > 2) {
      return state.connection_error();
    }
  }
  return {};
}

Result<void> Pipeline::take_answer(const void* answer) {
  Connection::State& state = *connection_->state_;
  const PGresult* const result = static_cast<const PGresult*>(answer);
  const Expected expected = expected_.front();
  const ExecStatusType status = PQresultStatus(result);
  if ((status == PGRES_PIPELINE_SYNC) != expected.is_end) return state.connection_error();
  expected_.pop_front();
  if (error_ || expected.is_end) return {};
  switch (status) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK: {
      const std::uint64_t rows = counted_rows(const_cast<PGresult*>(result));
      if (!expected.rows || *expected.rows == rows) return {};
      state.sqlstate.clear();
      failed_ = expected.tag;
      error_ = Error{Fault::differs,
                     std::to_string(rows) + " rows were touched instead of " + std::to_string(*expected.rows)};
      break;
    }
    case PGRES_FATAL_ERROR:
      failed_ = expected.tag;
      error_ = state.result_error(result);
      break;
    default:
      error_ = Error{Fault::failed, "a statement in a pipeline gave an answer that none has"};
      break;
  }
  return ending_ ? Result<void>{} : Result<void>{*error_};
}

Result<void> Pipeline::wait_for_answers(const Until& until) {
  Connection::State& state = *connection_->state_;
  if (!ending_ && PQpipelineSync(state.get()) == 0) return state.connection_error();
  if (!ending_) expected_.push_back({nullptr, std::nullopt, true});
  ending_ = true;
  TRY(state.flush(until));
  TRY(collect());
  while (!expected_.empty()) {
    TRY(wait_for(PQsocket(state.get()), POLLIN, until));
    if (PQconsumeInput(state.get()) == 0) return state.connection_error();
    TRY(collect());
  }
  return leave();
}

Result<void> Pipeline::leave() {
  Connection::State& state = *connection_->state_;
  if (PQexitPipelineMode(state.get()) == 0) return state.connection_error();
  active_ = ending_ = false;
  unsent_ = 0;
  return {};
}

Result<void> Pipeline::finish(const Until& until) {
  if (!active_) {
    failed_.reset();
    return {};
  }
  const Result<void> answered = wait_for_answers(until);
  if (!answered) return give_up(answered.error(), until);
  if (error_) return *error_;
  return {};
}

// The server answers what was sent, to the end. One that cannot, or is not to be waited for, loses the session.
Error Pipeline::give_up(Error error, const Until& until) {
  Connection::State& state = *connection_->state_;
  if (!error_) error_ = error;
  const bool hopeless = state.lost || PQstatus(state.get()) != CONNECTION_OK || ending_;
  const bool answers = !hopeless && (failed_ || error.fault == Fault::failed);
  if (answers) {
    const std::string sqlstate = state.sqlstate;
    const Result<void> ended = wait_for_answers(until);
    state.sqlstate = sqlstate;
    if (ended) return *error_;
  }
  if (!state.lost && PQstatus(state.get()) == CONNECTION_OK) request_cancel(state.get());
  state.lost = true;
  active_ = ending_ = false;
  expected_.clear();
  return *error_;
}

}  // namespace tributary::postgres
