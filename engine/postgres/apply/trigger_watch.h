#pragma once

#include <cstdint>
#include <map>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/applier.h"
#include "engine/postgres/apply/table.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/client/connection_pipeline.h"

namespace tributary::postgres::apply {

// Which tables the open transaction has changes in, and whether triggers or rules fire for them that were not there
// when their plans were made: who makes or enables one waits for a transaction that has written to the table, so one
// look at its end sees all that fired in it.
class TriggerWatch {
 public:
  explicit TriggerWatch(Pipeline& pipeline) : pipeline_(&pipeline) {}

  void note(Table& table);  // its plan is made
  // Behind all changes. Ends the pipeline as a statement of this tag does that meets a row too many.
  Result<void> look(const Until& until);
  static const Subject tag;
  // Then, with the transaction undone: the first table. A Fault::transient where nothing fires any more.
  Result<pipeline::StoppedTable> found(Connection& target, const Until& until) const;
  void forget_transaction();
  // The session's prepared statements are gone.
  void forget_statement() { is_prepared_ = false; }

 private:
  Pipeline* pipeline_;
  bool is_prepared_ = false;
  std::map<model::Name, model::Name> written_;  // by its table of the target: one that has its rows there
  std::uint64_t transaction_ = 1;
};

}  // namespace tributary::postgres::apply
