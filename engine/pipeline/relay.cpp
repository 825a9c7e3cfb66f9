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

Result<Sum> carry(CopyStream& stream, TargetWriter& writer, TableMeter& meter, ProgressBoard& board,
                  const Until& until) {
  std::uint64_t messages = 0;
  Sum sum;
  Sum told;
  while (true) {
    const std::span<const std::byte> message = TRY(stream.next(until));
    if (message.empty()) break;
    TRY(writer.write(message, until));
    ++messages;
    sum.rows = messages - std::min(messages, most_framing);
    sum.bytes += message.size();
    if (sum.bytes - told.bytes < told_bytes) continue;
    board.add(meter, sum.rows - told.rows, sum.bytes - told.bytes);
    told = sum;
  }
  board.add(meter, 0, sum.bytes - told.bytes);
  return Sum{told.rows, sum.bytes};
}

Result<void> relay_part(SourceReader& reader, TargetWriter& writer, const model::CopyPart& part,
                        const model::Table& table, TableMeter& meter, ProgressBoard& board, const Until& until) {
  TRY(writer.open(table, part, until));
  const std::unique_ptr<CopyStream> stream = TRY(reader.open(table, part, until));
  const Sum sum = TRY(carry(*stream, writer, meter, board, until));
  const PartCount count = TRY(writer.close(sum.bytes, until));
  if (count.rows != stream->rows())
    return Error{Fault::failed, "the source sent " + std::to_string(stream->rows()) + " rows, the target counted " +
                                    std::to_string(count.rows)};
  board.add(meter, count.rows - sum.rows, 0);
  return {};
}

}  // namespace

Result<void> relay(SourceReader& reader, TargetWriter& writer, const Batch& batch,
                   const std::vector<model::Table>& tables, const std::vector<TableMeter*>& meters,
                   ProgressBoard& board, const Until& until) {
  TRY(writer.begin(until));
  for (const model::CopyPart& part : batch.parts) {
    const model::Table& table = tables[part.table];
    TableMeter& meter = *meters[part.table];
    board.started(meter);
    const Result<void> carried = relay_part(reader, writer, part, table, meter, board, until);
    board.stopped(meter);
    if (!carried) return within("table " + model::display(table.name), carried.error());
  }
  return writer.commit(until);
}

}  // namespace tributary::pipeline
