#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/model/table.h"
#include "engine/pipeline/schema.h"

// One database of a source, as the pipeline sees it. Implemented by postgres/source.h; further sources implement the
// same interface and encode their rows in PostgreSQL's COPY format, since every target is PostgreSQL.
namespace tributary::pipeline {

struct SnapshotInfo {
  std::string id;       // name of the exported snapshot; "" where the source knows none
  model::Lsn position;  // where a stream would begin; zero where the source has none
};

struct SequenceValue {
  model::Name name;
  std::int64_t last_value = 0;
  bool is_called = false;
};

// The payload of a COPY, message by message.
class CopyStream {
 public:
  virtual ~CopyStream() = default;
  // Valid until the next call; empty at the proven end of the part.
  virtual Result<std::span<const std::byte>> next(const Until& until) = 0;
};

// One connection that reads under the source's snapshot. Used by one thread.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // The stream borrows the reader: one at a time, and it must go before the reader.
  virtual Result<std::unique_ptr<CopyStream>> open(const model::Table& table, const model::CopyPart& part,
                                                   const Until& until) = 0;
};

// All calls answer from one consistent view, taken by open_snapshot(); the object keeps it alive.
class Source {
 public:
  virtual ~Source() = default;

  virtual Result<SnapshotInfo> open_snapshot(const Until& until) = 0;
  // The selected tables that hold rows of their own, in a stable order.
  virtual Result<std::vector<model::Table>> tables(const Until& until) = 0;
  virtual Result<Schema> schema(const Until& until) = 0;
  virtual Result<std::unique_ptr<SourceReader>> reader(const Until& until) = 0;
  virtual Result<std::vector<SequenceValue>> sequences(const Until& until) = 0;
  // An Error when the snapshot is no longer held, or the table's storage was rewritten since it was taken: an empty
  // or partial view of a table must never count as copied.
  virtual Result<void> check_unchanged(const model::Table& table, const Until& until) = 0;
  // What was found on the way and a person should know.
  virtual std::vector<api::Finding> findings() const = 0;
};

}  // namespace tributary::pipeline
