#include "engine/postgres/pgoutput/relations.h"

#include <utility>

namespace tributary::postgres::pgoutput {

void Relations::describe(Table table, std::uint64_t arrival) {
  Descriptions& descriptions = in_streamed_ ? streamed_ : shared_;
  const RelationId id = table->id;
  descriptions[id] = {std::move(table), arrival};
}

const Relations::Table* Relations::find(RelationId relation) const {
  const Descriptions& descriptions = in_streamed_ ? streamed_ : shared_;
  const auto found = descriptions.find(relation);
  return found == descriptions.end() ? nullptr : &found->second.table;
}

void Relations::begin_streamed() {
  in_streamed_ = true;
}

void Relations::end_streamed() {
  for (auto& [id, description] : streamed_) {
    Description& known = shared_[id];
    if (known.arrival < description.arrival) known = std::move(description);
  }
  streamed_.clear();
  in_streamed_ = false;
}

}  // namespace tributary::postgres::pgoutput
