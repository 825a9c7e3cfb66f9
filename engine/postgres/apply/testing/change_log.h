#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/model/change.h"
#include "engine/testing/postgres_server.h"

// Changes made by hand, as a source's log would tell them.
namespace tributary::testbed {

// A value of a row: text, NULL, or one that the log leaves out since it is as it was.
struct Cell {
  Cell(const char* given) : kind(model::Value::Kind::text), text(given) {}             // NOLINT: implicit on purpose
  Cell(std::string given) : kind(model::Value::Kind::text), text(std::move(given)) {}  // NOLINT
  Cell(std::nullptr_t) {}                                                              // NOLINT
  static Cell same() {
    Cell cell(nullptr);
    cell.kind = model::Value::Kind::unchanged;
    return cell;
  }
  model::Value::Kind kind = model::Value::Kind::null;
  std::string text;
};
using Cells = std::vector<Cell>;
using LogTablePtr = std::shared_ptr<const model::LogTable>;

// A table of schema public as the log of a source would describe it that has it just like this database.
LogTablePtr described(const Database& database, const std::string& table);
// The same with another way to name rows; of whole_row every column identifies, of none none.
LogTablePtr with_identity(const LogTablePtr& table, model::LogTable::Identity identity);

// One batch. Each transaction's commit record begins at a position above the one before.
class ChangeLog {
 public:
  explicit ChangeLog(model::Lsn start = {0x1000}) : next_(start) {}

  ChangeLog& begin();
  ChangeLog& insert(const LogTablePtr& table, const Cells& row);
  // `old` is given where the key has changed, or with whole_row.
  ChangeLog& update(const LogTablePtr& table, const Cells& row, const Cells& old = {});
  ChangeLog& remove(const LogTablePtr& table, const Cells& old);
  ChangeLog& truncate(const std::vector<LogTablePtr>& tables, bool restart_identity = false);
  ChangeLog& commit();
  ChangeLog& idle(model::Lsn end);

  const model::Batch& batch() const { return *batch_; }
  // The next event begins another batch.
  std::shared_ptr<const model::Batch> cut();
  // Where the next transaction's commit record will begin.
  model::Lsn next() const { return next_; }

 private:
  model::Row row(const Cells& cells);
  model::Event event(model::Event::Kind kind, const LogTablePtr& table);

  std::shared_ptr<model::Batch> batch_ = std::make_shared<model::Batch>();
  model::Lsn next_;
};

}  // namespace tributary::testbed
