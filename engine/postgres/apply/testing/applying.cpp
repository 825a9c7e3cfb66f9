#include "engine/postgres/apply/testing/applying.h"

namespace tributary::testbed {

void Applying::follow(const std::string& tables, const std::string& rows) {
  replica_.emplace(server(std::get<0>(GetParam())), tables);
  if (!rows.empty()) replica_->database().exec(rows);
  applier_ = replica_->open();
}

Result<void> Applying::try_to_apply(const model::Batch& batch, bool durable) {
  TRY(applier_->apply(batch, mode(), soon()));
  return applier_->commit(durable, soon());
}

std::string Applying::why_stopped(const ChangeLog& changes) {
  const std::string before = replica_->ledger();
  const Result<void> applied = try_to_apply(changes.batch());
  if (applied) return "applied";
  EXPECT_EQ(applied.error().fault, Fault::differs) << describe(applied.error());
  EXPECT_EQ(replica_->ledger(), before);
  EXPECT_TRUE(applier_->usable());
  if (!applier_->stopped()) return describe(applied.error());
  const std::string table = model::display(applier_->stopped()->table);
  EXPECT_EQ(applied.error().what, "table " + table + ": " + applier_->stopped()->reason);
  return applier_->stopped()->table.name + ": " + applier_->stopped()->reason;
}

}  // namespace tributary::testbed
