#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/pipeline/schema.h"
#include "engine/pipeline/source.h"

// One target database with its ledger, as the pipeline sees it. Implemented by postgres/target.h.
namespace tributary::pipeline {

struct PartCount {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

// One connection that writes rows. Used by one thread. Everything between begin() and commit() is one transaction on
// the target; destroying the writer before commit() undoes it.
class TargetWriter {
 public:
  virtual ~TargetWriter() = default;
  // A batch holds one part of a large table, or several small tables whole.
  virtual Result<void> begin(const Until& until) = 0;
  // Opens COPY for the part. A table that is copied as one part is emptied first in the same transaction.
  virtual Result<void> open(const model::Table& table, const model::CopyPart& part, const Until& until) = 0;
  virtual Result<void> write(std::span<const std::byte> bytes, const Until& until) = 0;
  // Ends the COPY and writes the part's ledger row: rows as the target counted them, bytes as given.
  virtual Result<PartCount> close(std::uint64_t bytes, const Until& until) = 0;
  // Moves the ledger's fence and commits. Fault::fenced when another engine owns the replication by now: nothing of
  // the batch was kept then.
  virtual Result<void> commit(const Until& until) = 0;
  // Carries out one statement list of a schema step on this connection, outside begin() ... commit().
  virtual Result<void> execute(const std::string& sql, const Until& until) = 0;
};

}  // namespace tributary::pipeline
