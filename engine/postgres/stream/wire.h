#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <variant>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/model/lsn.h"

// The messages inside CopyBoth of a logical stream. Pure.
namespace tributary::postgres::stream {

// What the output plugin says of one thing; the message inside is pgoutput's.
struct LogData {
  model::Lsn position;  // of what it is about; of a commit, behind its record
  std::span<const std::byte> message;
};

struct Keepalive {
  model::Lsn end;  // the server has sent all that ends at or below it
  bool asks = false;
};

// Views into `input`. Anything else than these two is Fault::failed.
Result<std::variant<LogData, Keepalive>> parse_message(std::span<const std::byte> input);

struct Status {
  model::Lsn received;
  model::Lsn durable;  // on disk and applied; zero says nothing
  WallTime time;
  bool asks = false;  // for a keepalive at once
};
using StatusBytes = std::array<std::byte, 34>;
StatusBytes encode(const Status& status);

}  // namespace tributary::postgres::stream
