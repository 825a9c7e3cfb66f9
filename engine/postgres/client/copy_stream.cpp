#include <poll.h>

#include <utility>

#include "engine/postgres/client/connection_state.h"

// CopyOut and CopyIn.
namespace tributary::postgres {
namespace {

constexpr std::size_t message_size = 64 * 1024;
constexpr std::size_t unsent_limit = 1024 * 1024;

short ready_now(int socket) {
  pollfd watched{socket, POLLIN | POLLOUT, 0};
  return poll(&watched, 1, 0) > 0 ? watched.revents : static_cast<short>(0);
}

}  // namespace

CopyOut::CopyOut(CopyOut&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      message_(std::exchange(other.message_, nullptr)),
      begun_(other.begun_),
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

Result<bool> CopyOut::begun(Milliseconds span, const Until& until) {
  if (begun_) return true;
  Connection::State& state = *connection_->state_;
  const Until soon = until.within(span);
  while (PQisBusy(state.get()) != 0) {
    if (!TRY(ready_within(soon.deadline.left(), PQsocket(state.get()), POLLIN, until))) return false;
    if (PQconsumeInput(state.get()) == 0) return state.connection_error();
  }
  TRY(state.expect_copy(PGRES_COPY_OUT, until));
  begun_ = true;
  return true;
}

Result<CopyOut> Connection::begin_copy_out(const std::string& sql, const Until& until) {
  return state_->guarded([&]() -> Result<CopyOut> {
    TRY(state_->send(sql, until));
    CopyOut rows(this);
    rows.begun_ = false;
    return rows;
  });
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
