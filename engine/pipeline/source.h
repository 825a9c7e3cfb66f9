#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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

// Who the source is, for the ledger: another server or database behind the same name must never be mistaken for it.
struct SourceIdentity {
  std::string system;    // the server's own identity (PostgreSQL's system identifier)
  std::string database;  // its name on the source
};

// What a source keeps for a stream.
struct StreamObjects {
  std::string slot;
  std::string publication;
  bool owns_publication = true;  // else made by somebody else
};

// A stream that continues where a snapshot ends.
struct StreamStart : StreamObjects {
  struct NotStreamed {
    model::Name table;
    std::string reason;  // a sentence
  };
  int timeline = 0;  // of the source's log
  // Where it begins: at the snapshot's position, or below it where an attempt before this one has made it.
  model::Lsn from;
  std::vector<model::Name> streamed;
  std::vector<NotStreamed> not_streamed;  // of the selected tables
};

// The stream of a copy that was ended before its end, as the target's ledger knows it.
struct FormerStream : StreamObjects {
  int timeline = 0;
  model::Lsn from;     // where it begins
  model::Lsn applied;  // its changes up to here are in the target
  model::Lsn copied;   // the highest position at which a table was copied
};

struct SnapshotInfo {
  std::string id;       // name of the exported snapshot; "" where the source knows none
  model::Lsn position;  // where a stream would begin; zero where the source has none
  std::optional<StreamStart> stream = {};
};

// Tables that an earlier attempt has finished lie before the snapshot, and its stream leads up to it.
inline bool is_resumed(const SnapshotInfo& snapshot) {
  return snapshot.stream && snapshot.stream->from < snapshot.position;
}

struct SequenceValue {
  model::Name name;
  std::int64_t last_value = 0;
  bool is_called = false;
};

// The payload of a COPY, message by message.
class CopyStream {
 public:
  virtual ~CopyStream() = default;
  // Valid until the next call; empty at the proven end of the part: the source reported success, and the table is still
  // the one that the view has, with its storage and its columns. A rewrite in between (TRUNCATE, VACUUM FULL) or
  // another table of its name is an Error: no rows, or another's, must never count as copied.
  virtual Result<std::span<const std::byte>> next(const Until& until) = 0;
  // After the end: rows as the source counted them.
  virtual std::uint64_t rows() const = 0;
};

// One connection that reads under the source's snapshot. Used by one thread.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // The stream borrows the reader: one at a time, and it must go before the reader.
  virtual Result<std::unique_ptr<CopyStream>> open(const model::Table& table, const model::CopyPart& part,
                                                   const Until& until) = 0;
};

// All calls after open_snapshot() answer from one consistent view, which the object keeps alive
// until close_snapshot(). Used by one thread, except that readers may be used by another each, and
// at_work() by any.
class Source {
 public:
  virtual ~Source() = default;

  virtual Result<SourceIdentity> identity(const Until& until) = 0;
  // Makes the stream first, where one is to follow; where `former` can be gone on with, that one stays as it is. Takes
  // the view and locks the selected tables against rewrites. Fault::transient when somebody holds a conflicting lock
  // for too long, naming the session. After an Error nothing is left of a stream that this call made.
  virtual Result<SnapshotInfo> open_snapshot(const std::optional<FormerStream>& former, const Until& until) = 0;
  // The selected tables that hold rows of their own, in a stable order, each with the format that a target of the
  // same types takes.
  virtual Result<std::vector<model::Table>> tables(const Until& until) = 0;
  virtual Result<Schema> schema(const Until& until) = 0;
  // Where tables may be cut into ranges of pages that are read without scanning the rest.
  virtual bool splits_tables() const = 0;
  virtual Result<std::unique_ptr<SourceReader>> reader(const Until& until) = 0;
  virtual Result<std::vector<SequenceValue>> sequences(const Until& until) = 0;
  // To be called every few seconds while rows are read. Fault::transient where the view must be given up, because its
  // locks have kept another session waiting for too long; it is named.
  virtual Result<void> watch(const Until& until) = 0;
  // From any thread: whether a statement of this object's own sessions runs on the source and waits neither for a lock
  // nor for us.
  virtual Result<bool> at_work(const Until& until) const = 0;
  // Lets go of the view, so that the source may vacuum again. Call it as soon as the last row was read; all readers
  // must be gone.
  virtual void close_snapshot() = 0;
  // What was found on the way and a person should know.
  virtual std::vector<api::Finding> findings() const = 0;
};

}  // namespace tributary::pipeline
