#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/pipeline/source.h"
#include "engine/pipeline/testing/world.h"

namespace tributary::pipeline::testing {

// Reads a SourceDatabase as it was when the snapshot was opened. Rows travel as messages of "R" and the row, between
// the messages "H" and "T" of a format with header and trailer. Complains about a caller that reads without a snapshot
// or lets go of the view before the readers.
class FakeSource : public Source {
 public:
  FakeSource(World& world, std::string database) : world_(world), database_(std::move(database)), connected_(world) {}
  ~FakeSource() override;

  Result<SourceIdentity> identity(const Until& until) override;
  Result<SnapshotInfo> open_snapshot(const std::optional<FormerStream>& former, const Until& until) override;
  Result<std::vector<model::Table>> tables(const Until& until) override;
  Result<Schema> schema(const Until& until) override;
  bool splits_tables() const override { return true; }
  Result<std::unique_ptr<SourceReader>> reader(const Until& until) override;
  Result<std::vector<SequenceValue>> sequences(const Until& until) override;
  Result<void> watch(const Until& until) override;
  Result<bool> at_work(const Until& until) const override { return world_.source_at_work(until); }
  void close_snapshot() override;
  std::vector<api::Finding> findings() const override;

 private:
  Result<void> require_snapshot(const std::string& call);

  World& world_;
  const std::string database_;
  const Connected connected_;
  std::optional<SourceDatabase> view_;
  std::shared_ptr<int> readers_ = std::make_shared<int>(0);  // under the world's mutex
};

}  // namespace tributary::pipeline::testing
