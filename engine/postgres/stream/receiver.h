#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/model/change.h"
#include "engine/model/lsn.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/pgoutput/assembler.h"
#include "engine/postgres/stream/batch_queue.h"
#include "engine/postgres/stream/resumption.h"
#include "engine/postgres/stream/wire.h"

namespace tributary::postgres::stream {

// How a stream deals with its server.
struct Pulse {
  // After which the server gives us up; it hears of us three times as often.
  Milliseconds sender_timeout{60'000};
  // How long a server may say nothing, although it is asked to, before it counts as hung.
  Milliseconds silence{60'000};
  // How long a server that wants to shut down waits for us to confirm what it has sent, before we go.
  Milliseconds farewell{10'000};
};

// What both threads of a stream look at.
struct Shared {
  explicit Shared(std::size_t queue_bytes) : queue(queue_bytes) {}
  BatchQueue queue;
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> source_end{0};
  std::atomic<std::uint64_t> durable{0};
  std::atomic<WallTime::rep> heard{0};           // since the epoch; 0 for never
  std::atomic<bool> is_proven{false};            // Resumption
  std::atomic<bool> publication_missing{false};  // PostgreSQL 18 warns, where its elders fail
};

// Reads a stream into batches and keeps its server content. Whatever the reader of the batches does, the server hears
// of us in time; while the queue is full nothing more is read. For one thread.
class Receiver {
 public:
  Receiver(CopyBoth copy, pgoutput::Assembler assembler, std::shared_ptr<Shared> shared, model::Lsn start,
           const Resumption& resumption, std::size_t batch_bytes, Pulse pulse)
      : copy_(std::move(copy)),
        assembler_(std::move(assembler)),
        shared_(std::move(shared)),
        delivered_(start),
        resumption_(resumption),
        batch_bytes_(batch_bytes),
        pulse_(pulse) {}

  // To the end of the stream, which is always an Error: Fault::cancelled after a stop.
  Error run(const std::stop_token& stop);

 private:
  Result<void> step(const std::stop_token& stop);
  Result<void> read(const std::stop_token& stop);
  Result<void> take(const LogData& data);
  Result<void> take(const Keepalive& keepalive);
  Result<void> pass_over();
  Result<void> tell();
  Result<void> check_silence() const;
  Result<void> check_farewell(SteadyTime now);
  model::Batch& batch();
  void hand_over();
  void note(model::Lsn position);
  void note_end();

  CopyBoth copy_;
  pgoutput::Assembler assembler_;
  const std::shared_ptr<Shared> shared_;
  model::Lsn delivered_;   // all that ends at or below it is in a batch
  Resumption resumption_;  // before it is proven nothing is handed over, and nothing confirmed
  const std::size_t batch_bytes_;
  const Pulse pulse_;
  std::shared_ptr<model::Batch> batch_;  // being filled

  bool asked_ = false;  // by the server, for a status at once
  // PostgreSQL 13 counts on an answer to a keepalive that asks for none: it asks for nothing further before.
  bool owes_ = false;
  SteadyTime told_at_ = {};
  model::Lsn told_received_;
  model::Lsn told_durable_;
  SteadyTime quiet_since_ = SteadyClock::now();  // while we listen
  std::optional<SteadyTime> asking_since_;       // the server asks again and again
  SteadyTime asked_at_ = {};
};

}  // namespace tributary::postgres::stream
