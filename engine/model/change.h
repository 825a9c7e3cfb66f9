#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/lsn.h"
#include "engine/model/name.h"

// What a source's log says has happened: committed transactions in commit order, as plain values.
namespace tributary::model {

// A table as the log describes it, at one moment: another description may follow for the same table. Immutable.
struct LogTable {
  struct Column {
    std::string name;
    std::uint32_t type = 0;      // the source's own identity of the type (an OID)
    std::int32_t modifier = -1;  // of the type, as the source has it
    bool identifies = false;     // part of what tells rows apart
  };
  // By what updates and deletes name their row.
  enum class Identity { primary_key, index, whole_row, none };

  std::uint32_t id = 0;  // the source's own identity of the table (an OID)
  Name name;
  Identity identity = Identity::none;
  std::vector<Column> columns;  // without those that are not sent (generated ones)
};

// One column of a row.
struct Value {
  enum class Kind : std::uint8_t {
    null,
    unchanged,  // large, and as it was: the log does not repeat it
    text,       // in the type's text form
  };
  Kind kind = Kind::null;
  std::string_view bytes = {};
};

using Row = std::span<const Value>;  // one per column of the LogTable

struct Event {
  enum class Kind : std::uint8_t {
    begin,     // of a transaction: lsn, time, transaction
    insert,    // table, new_row
    update,    // table, new_row; old_row where what identifies the row has changed, or the whole row does
    remove,    // table, old_row
    truncate,  // truncated, cascade, restart_identity
    commit,    // lsn, end, time
    idle,      // between transactions: everything that ends at or below `end` has been delivered
  };
  Kind kind = Kind::idle;
  // Of an old row: all of its columns are given, not only those that identify it. The others are null otherwise.
  bool old_is_whole = false;
  bool cascade = false;           // of a truncate
  bool restart_identity = false;  // of a truncate
  const LogTable* table = nullptr;
  Row old_row = {};
  Row new_row = {};
  std::span<const LogTable* const> truncated = {};
  // Of begin and commit: where the commit record begins. A transaction lies below a position S, and is seen by a
  // snapshot taken at it, if and only if lsn < S; positions of single changes say nothing about that.
  Lsn lsn = {};
  Lsn end = {};                   // of commit: behind the commit record; where a stream continues
  WallTime time = {};             // of begin and commit, by the source's clock
  std::uint32_t transaction = 0;  // of begin
};

// A run of consecutive events; a large transaction spans several. Owns all that its events refer to, the tables too.
// Filled by one thread, then only read, by any.
class Batch {
 public:
  Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  const std::vector<Event>& events() const { return events_; }
  bool empty() const { return events_.empty(); }
  // Memory taken, about.
  std::size_t bytes() const { return bytes_; }

  // Copies of what is given, for events of this batch.
  std::string_view keep(std::string_view text);
  std::span<Value> row(std::size_t columns);  // to be filled; all null
  const LogTable* keep(const std::shared_ptr<const LogTable>& table);
  std::span<const LogTable* const> keep(std::span<const LogTable* const> tables);
  void add(const Event& event);

 private:
  std::pmr::monotonic_buffer_resource memory_{16 * 1024};
  std::unordered_set<std::shared_ptr<const LogTable>> tables_;
  const LogTable* last_table_ = nullptr;  // changes come in runs of one table
  std::vector<Event> events_;
  std::size_t bytes_ = 0;
};

// Some or all events of a batch, in a row, and the memory they take, about. Borrows the batch.
class Events {
 public:
  Events(const Batch& batch) : events_(batch.events()), bytes_(batch.bytes()) {}
  Events(std::span<const Event> events, std::size_t bytes) : events_(events), bytes_(bytes) {}

  auto begin() const { return events_.begin(); }
  auto end() const { return events_.end(); }
  bool empty() const { return events_.empty(); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::span<const Event> events_;
  std::size_t bytes_;
};

}  // namespace tributary::model
