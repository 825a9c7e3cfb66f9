#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/model/change.h"

// What a run of changes of one table comes to, row by row. Pure.
//
//   insert, update             = insert of the row as it is then
//   insert, delete             = nothing
//   update, update             = update; a column that neither tells stays untold
//   update, delete             = delete
//   delete, insert             = delete and insert
//   update of the key          = delete of the old row and insert of the new one, where that is wholly known
namespace tributary::postgres::apply {

struct NetShape {
  std::vector<std::size_t> key;  // columns; none where nothing tells rows apart
  bool may_move_rows = true;     // the log has all columns of the target, so that a row may be deleted and inserted
};

// Refers to the rows of the events that were added, which must outlive it.
class Net {
 public:
  struct Update {
    model::Row key;  // a row of which only the key counts
    model::Row row;
  };

  explicit Net(NetShape shape) : shape_(std::move(shape)) {}

  // An insert, update or delete. False where the changes cannot be told by their sum: they do not fit each other, or
  // do not tell enough. What was added before is then of no use either.
  bool add(const model::Event& event);

  // In the order in which rows were first met; to be carried out in this order.
  std::vector<model::Row> removed() const;  // of which only the key counts
  std::vector<Update> updated() const;
  std::vector<model::Row> inserted() const;

 private:
  enum class State : std::uint8_t { untouched, inserted, updated, removed, replaced };
  struct Entry {
    State state = State::untouched;
    model::Row key;
    model::Row row;  // of the new row, where the state has one
  };

  Entry* entry_of(model::Row key_row);
  bool insert(model::Row key_row, model::Row row);
  bool update(const model::Event& event);
  bool move(const model::Event& event);
  static bool remove(Entry& entry);
  model::Row merged(model::Row older, model::Row newer);
  bool is_moved(const model::Event& event) const;

  NetShape shape_;
  std::unique_ptr<std::pmr::monotonic_buffer_resource> memory_ =
      std::make_unique<std::pmr::monotonic_buffer_resource>();
  std::unordered_map<std::string_view, std::uint32_t> places_;
  std::vector<Entry> entries_;
};

}  // namespace tributary::postgres::apply
