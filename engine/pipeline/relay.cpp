#include "engine/pipeline/relay.h"

#include <algorithm>
#include <string>

namespace tributary::pipeline {
namespace {

// Progress is told in steps of this many bytes, not per row.
constexpr std::uint64_t told_bytes = 256U << 10;
// A format's header and trailer come as messages too: so many are no rows until the target has counted.
constexpr std::uint64_t most_framing = 2;

struct Sum {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

Result<Sum> carry(CopyStream& stream, PartWriter& writer, const Told& told, const Until& until) {
  std::uint64_t messages = 0;
  Sum sum;
  Sum before;
  while (true) {
    const std::span<const std::byte> message = TRY(stream.next(until));
    if (message.empty()) break;
    TRY(writer.write(message, until));
    ++messages;
    sum.rows = messages - std::min(messages, most_framing);
    sum.bytes += message.size();
    if (sum.bytes - before.bytes < told_bytes) continue;
    TRY(told(sum.rows - before.rows, sum.bytes - before.bytes));
    before = sum;
  }
  TRY(told(0, sum.bytes - before.bytes));
  return Sum{before.rows, sum.bytes};
}

}  // namespace

Result<PartCount> relay_part(SourceReader& reader, PartWriter& writer, const model::CopyPart& part,
                             const model::Table& table, const Told& told, const Until& until) {
  TRY(writer.open(table, part, until));
  const std::unique_ptr<CopyStream> stream = TRY(reader.open(table, part, until));
  const Sum sum = TRY(carry(*stream, writer, told, until));
  const PartCount count = TRY(writer.close(sum.bytes, until));
  if (count.rows != stream->rows())
    return Error{Fault::failed, "the source sent " + std::to_string(stream->rows()) + " rows, the target counted " +
                                    std::to_string(count.rows)};
  TRY(told(count.rows - sum.rows, 0));
  return count;
}

Result<void> relay(SourceReader& reader, TargetWriter& writer, const Batch& batch,
                   const std::vector<model::Table>& tables, const std::vector<TableMeter*>& meters,
                   ProgressBoard& board, const Until& until) {
  TRY(writer.begin(until));
  for (const model::CopyPart& part : batch.parts) {
    const model::Table& table = tables[part.table];
    TableMeter& meter = *meters[part.table];
    board.started(meter);
    const auto told = [&](std::uint64_t rows, std::uint64_t bytes) -> Result<void> {
      board.add(meter, rows, bytes);
      return {};
    };
    const Result<PartCount> carried = relay_part(reader, writer, part, table, told, until);
    board.stopped(meter);
    if (!carried) return within("table " + model::display(table.name), carried.error());
  }
  return writer.commit(until);
}

}  // namespace tributary::pipeline
