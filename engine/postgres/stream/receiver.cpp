#include "engine/postgres/stream/receiver.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <variant>

#include "engine/postgres/replication/slot_verdict.h"

namespace tributary::postgres::stream {
namespace {

constexpr Milliseconds slice{100};  // how often a pause looks around
// The server sends each change in a write of its own. Who reads them one by one wakes up for each, and makes the server
// wake him up: that costs both more than the changes themselves. So what follows the first may come together.
constexpr Milliseconds gathering{1};
constexpr Milliseconds between_answers{10};  // to a server that asks again and again
constexpr Milliseconds between_positions{1000};
// A server that does not shut down asks once in half its timeout at most.
constexpr Milliseconds asks_again_within{500};

}  // namespace

Error Receiver::run(const std::stop_token& stop) {
  Result<void> stepped;
  while (stepped && !stop.stop_requested()) stepped = step(stop);
  hand_over();
  // What was confirmed last is still said: the next one is not sent it again, and the source need not keep it.
  if (stop.stop_requested()) static_cast<void>(tell());
  return stepped ? Error{Fault::cancelled, "stopped"} : stepped.error();
}

Result<void> Receiver::step(const std::stop_token& stop) {
  shared_->is_proven = resumption_.is_proven();
  TRY(tell());
  if (batch_ != nullptr && batch_->bytes() >= batch_bytes_) hand_over();
  if (batch_ == nullptr && !shared_->queue.wait_for_room(slice, stop)) {
    quiet_since_ = SteadyClock::now();
    return {};
  }
  if (!assembler_.replaying()) return read(stop);
  TRY(assembler_.replay(batch(), batch_bytes_));
  TRY(pass_over());
  note_end();
  quiet_since_ = SteadyClock::now();
  return {};
}

// What has come already is read into one batch; then it is handed over before there is a pause.
Result<void> Receiver::read(const std::stop_token& stop) {
  const Milliseconds pause = batch_ != nullptr ? Milliseconds{0} : asked_ ? between_answers : slice;
  const auto next = copy_.next(pause, {Deadline::never(), stop});
  if (!next && next.error().fault == Fault::missing) return unpublished_changes(next.error().what);
  const auto came = TRY(next);
  if (shared_->publication_missing) return unpublished_changes("");
  if (!came) {
    hand_over();
    return check_silence();
  }
  quiet_since_ = SteadyClock::now();
  shared_->heard = std::chrono::system_clock::now().time_since_epoch().count();
  const auto message = TRY(parse_message(*came));
  TRY(std::visit([&](const auto& each) { return take(each); }, message));
  if (batch_ != nullptr && pause.count() != 0) std::this_thread::sleep_for(gathering);
  return {};
}

Result<void> Receiver::take(const LogData& data) {
  asking_since_.reset();
  note(data.position);
  TRY(assembler_.take(data.message, batch()));
  TRY(pass_over());
  note_end();
  return {};
}

// What the ledger has. A message gives events of one transaction only.
Result<void> Receiver::pass_over() {
  if (resumption_.is_proven()) return {};
  const std::shared_ptr<model::Batch> held = std::exchange(batch_, nullptr);
  bool is_new = false;
  for (const model::Event& event : held->events()) is_new = TRY(resumption_.take(event));
  if (is_new) batch_ = held;
  return {};
}

void Receiver::note_end() {
  if (batch_ != nullptr && !batch_->empty()) delivered_ = std::max(delivered_, batch_->events().back().end);
}

Result<void> Receiver::take(const Keepalive& keepalive) {
  note(keepalive.end);
  shared_->source_end = std::max(shared_->source_end.load(), keepalive.end.value);
  if (assembler_.between_transactions()) TRY(resumption_.reach(keepalive.end));
  if (keepalive.end > delivered_ && assembler_.between_transactions()) {
    model::Event idle;
    idle.end = delivered_ = keepalive.end;
    batch().add(idle);
  }
  owes_ = true;
  if (!keepalive.asks) return {};
  asked_ = true;
  return check_farewell(SteadyClock::now());
}

// A server that shuts down waits for ever for those who have confirmed something and do not confirm the rest.
Result<void> Receiver::check_farewell(SteadyTime now) {
  if (!asking_since_ || now - asked_at_ > asks_again_within) asking_since_ = now;
  asked_at_ = now;
  if (now - *asking_since_ < pulse_.farewell) return {};
  return Error{Fault::transient, "the source is shutting down and waits for changes to be confirmed"};
}

Result<void> Receiver::check_silence() const {
  if (SteadyClock::now() - quiet_since_ < pulse_.silence) return {};
  return Error{Fault::transient, "the source has said nothing for " +
                                     std::to_string(std::chrono::ceil<Seconds>(pulse_.silence).count()) +
                                     " s although it was asked to"};
}

Result<void> Receiver::tell() {
  const SteadyTime now = SteadyClock::now();
  const auto since = now - told_at_;
  const model::Lsn received{shared_->received};
  const model::Lsn durable{resumption_.is_proven() ? shared_->durable.load() : 0};
  const bool beat = since >= (resumption_.is_proven() ? pulse_.sender_timeout / 3 : between_positions);
  const bool moved = durable > told_durable_ || ((owes_ || received > told_received_) && since >= between_positions);
  if (!beat && !moved && !(asked_ && since >= between_answers)) return {};
  // With each beat the server is asked, so that its silence means something.
  const StatusBytes bytes = encode({received, durable, std::chrono::system_clock::now(), beat});
  if (!TRY(copy_.send(bytes))) return {};
  asked_ = owes_ = false;
  told_at_ = now;
  told_received_ = received;
  told_durable_ = durable;
  return {};
}

model::Batch& Receiver::batch() {
  if (batch_ == nullptr) batch_ = shared_->queue.reclaim(batch_bytes_);
  if (batch_ == nullptr) batch_ = std::make_shared<model::Batch>();
  return *batch_;
}

void Receiver::hand_over() {
  if (batch_ != nullptr && !batch_->empty()) shared_->queue.put(std::move(batch_));
  batch_.reset();
}

void Receiver::note(model::Lsn position) {
  shared_->received = std::max(shared_->received.load(), position.value);
}

}  // namespace tributary::postgres::stream
