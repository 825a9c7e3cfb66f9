#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/pipeline/target.h"
#include "engine/pipeline/testing/world.h"

namespace tributary::pipeline::testing {

// Who writes under which epoch of the ledger: what a transaction needs to be fenced. Under the world's mutex.
struct Claimed {
  World& world;
  const std::string database;
  const void* owner = nullptr;
  int epoch = 0;

  TargetDatabase& data() const { return world.target[database]; }
  // Fault::fenced when somebody else owns the replication by now.
  Result<void> fence() const;
  // The steps, together with the fence, or none of them; complains about a step whose time has not come.
  Result<std::vector<api::Finding>> carry_out(const Schema& schema, const std::vector<std::size_t>& steps) const;
};

// Keeps what it is given in a TargetDatabase. A step with the SQL "FAIL" fails. Complains about a caller that does
// things in an order that the interface forbids.
class FakeTarget : public Target {
 public:
  FakeTarget(World& world, std::string database)
      : world_(world), mine_{world, std::move(database)}, connected_(world) {}
  ~FakeTarget() override;

  Result<Claim> claim(const SourceIdentity& source, std::int64_t asked, const Until& until) override;
  Result<void> check_claim(const Until& until) override;
  bool may_keep(const Contents& contents) const override;
  Result<Prepared> prepare(const Contents& contents, const Until& until) override;
  std::int64_t epoch() const override { return mine_.epoch; }
  Result<std::vector<api::Finding>> run_in_order(const Schema& schema, Stage stage, const Until& until) override;
  Result<std::unique_ptr<TargetWriter>> writer(const Until& until) override;
  Result<bool> at_work(const Until& until) const override { return world_.at_work(until); }
  Result<void> set_sequences(const std::vector<SequenceValue>& sequences, const Until& until) override;
  Result<StatisticsPlan> plan_statistics(const std::vector<model::Table>& tables, const Until& until) override;
  Result<TableRecords> complete(const std::vector<model::Table>& tables, const std::function<Result<void>()>& last,
                                const Until& until) override;

  const Claimed& mine() const { return mine_; }

 private:
  // A call that writes: `body` under the world's mutex, after the fence.
  template <class Body>
  auto fenced(const std::string& name, const Until& until, Body&& body) -> decltype(body()) {
    return world_.calls.run(name, until, [&]() -> decltype(body()) {
      const std::lock_guard lock(world_.mutex);
      TRY(mine_.fence());
      return body();
    });
  }

  World& world_;
  Claimed mine_;
  const Connected connected_;
  std::shared_ptr<int> writers_ = std::make_shared<int>(0);  // open; under the world's mutex
};

std::unique_ptr<TargetWriter> open_fake_writer(const Claimed& claimed, std::shared_ptr<int> writers);

}  // namespace tributary::pipeline::testing
