#include <poll.h>

#include <utility>

#include "engine/postgres/client/connection_state.h"

// Running and CopyBoth.
namespace tributary::postgres {
// What `wait_for` says of its own deadline is no fault here: nothing has come yet.
Result<bool> ready_within(Milliseconds span, int socket, short events, const Until& until) {
  if (span.count() == 0) {
    pollfd watched{socket, events, 0};
    return poll(&watched, 1, 0) > 0;
  }
  const Until soon = until.within(span);
  const Result<void> ready = wait_for(socket, events, soon);
  if (ready) return true;
  const bool ours = soon.deadline.left().count() == 0 && until.deadline.left().count() != 0;
  if (ours && ready.error().fault == Fault::transient) return false;
  return ready.error();
}

// ---------------------------------------------------------------------------------------------- running

Running::Running(Running&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}

Running::~Running() {
  if (connection_ != nullptr) connection_->state_->abandon();
}

Result<std::optional<Rows>> Running::wait(Milliseconds span, const Until& until) {
  Connection::State& state = *connection_->state_;
  const Until soon = until.within(span);
  while (PQisBusy(state.get()) != 0) {
    if (!TRY(ready_within(soon.deadline.left(), PQsocket(state.get()), POLLIN, until))) return std::optional<Rows>{};
    if (PQconsumeInput(state.get()) == 0) return state.connection_error();
  }
  const Result<Rows> rows = connection_->answer(until);
  if (!rows) return rows.error();
  connection_ = nullptr;
  return std::optional<Rows>{rows.value()};
}

Result<Running> Connection::begin(const std::string& sql, const Until& until) {
  return state_->guarded([&]() -> Result<Running> {
    TRY(state_->send(sql, until));
    return Running(this);
  });
}

// ---------------------------------------------------------------------------------------------- copy both

CopyBoth::CopyBoth(CopyBoth&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      message_(std::exchange(other.message_, nullptr)),
      unsent_(other.unsent_) {}

// There is no way back to statements that does not depend on the peer.
CopyBoth::~CopyBoth() {
  PQfreemem(message_);
  if (connection_ != nullptr) connection_->state_->lost = true;
}

Result<std::optional<std::span<const std::byte>>> CopyBoth::next(Milliseconds span, const Until& until) {
  using Message = std::optional<std::span<const std::byte>>;
  Connection::State& state = *connection_->state_;
  const Until soon = until.within(span);
  for (;;) {
    PQfreemem(std::exchange(message_, nullptr));
    const int size = PQgetCopyData(state.get(), &message_, 1);
    if (size > 0) return Message{std::as_bytes(std::span(message_, static_cast<std::size_t>(size)))};
    if (size < 0) return ended(until);
    TRY(flush());
    const short events = unsent_ ? POLLIN | POLLOUT : POLLIN;
    if (!TRY(ready_within(soon.deadline.left(), PQsocket(state.get()), events, until))) return Message{};
    if (PQconsumeInput(state.get()) == 0) return state.connection_error();
  }
}

// After its CopyDone the server waits for ours before it says how the command ended.
Error CopyBoth::ended(const Until& until) {
  Connection::State& state = *connection_->state_;
  static_cast<void>(PQputCopyEnd(state.get(), nullptr));
  const Result<ResultHandle> result = state.last_result(until.within(drain_limit));
  state.lost = true;
  if (!result) return result.error();
  return Error{Fault::transient, "the server ended the stream"};
}

Result<bool> CopyBoth::send(std::span<const std::byte> bytes) {
  Connection::State& state = *connection_->state_;
  TRY(flush());
  if (unsent_) return false;
  const int queued =
      PQputCopyData(state.get(), reinterpret_cast<const char*>(bytes.data()), static_cast<int>(bytes.size()));
  if (queued < 0) return state.connection_error();
  if (queued == 0) return false;
  unsent_ = true;
  TRY(flush());
  return true;
}

Result<void> CopyBoth::flush() {
  if (!unsent_) return {};
  Connection::State& state = *connection_->state_;
  const int rest = PQflush(state.get());
  if (rest < 0) return state.connection_error();
  unsent_ = rest > 0;
  return {};
}

Result<CopyBoth> Connection::copy_both(const std::string& sql, const Until& until) {
  return state_->guarded([&]() -> Result<CopyBoth> {
    TRY(state_->send(sql, until));
    TRY(state_->expect_copy(PGRES_COPY_BOTH, until));
    return CopyBoth(this);
  });
}

}  // namespace tributary::postgres
