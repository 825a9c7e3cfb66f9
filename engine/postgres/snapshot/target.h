#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/copy/step_runner.h"
#include "engine/postgres/ledger/course.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres {

// One PostgreSQL database as a target, with its ledger. A control connection holds the session lock; writers have
// connections of their own.
class Target final : public pipeline::Target {
 public:
  using Resolve = std::function<Result<Parameters>()>;  // of the database; asked before every connect

  struct Options {
    std::string database;
    std::string replication;  // Spec.replication; "" to derive it from the source's identity
    int attempt = 0;
    api::SnapshotOptions snapshot;
    std::string selection;        // of tables, as a digest; "" means all of the source's database
    std::string client_encoding;  // of the source's sessions
    bool is_followed = false;     // the stream goes on when the copy is complete
    std::string recopy_request;   // Spec.recopy.request_id, which a copy of all tables fulfils
    // Drops the database and creates it anew; called while no session of ours is in it.
    std::function<Result<void>(const Until&)> recreate;
  };

  static Result<std::unique_ptr<Target>> open(Resolve connect, Options options, const Until& until);

  Result<pipeline::Claim> claim(const pipeline::SourceIdentity& source, std::int64_t asked,
                                const Until& until) override;
  Result<void> check_claim(const Until& until) override;
  bool may_keep(const pipeline::Contents& contents) const override;
  Result<pipeline::Prepared> prepare(const pipeline::Contents& contents, const Until& until) override;
  std::int64_t epoch() const override { return owner_.epoch; }
  Result<std::vector<api::Finding>> run_in_order(const pipeline::Schema& schema, pipeline::Stage stage,
                                                 const Until& until) override;
  Result<std::unique_ptr<pipeline::TargetWriter>> writer(const Until& until) override;
  Result<bool> at_work(const Until& until) const override;
  Result<void> set_sequences(const std::vector<pipeline::SequenceValue>& sequences, const Until& until) override;
  Result<pipeline::StatisticsPlan> plan_statistics(const std::vector<model::Table>& tables,
                                                   const Until& until) override;
  Result<pipeline::TableRecords> complete(const std::vector<model::Table>& tables,
                                          const std::function<Result<void>()>& last, const Until& until) override;

  Connection& control() { return *control_; }
  const Owner& owner() const { return owner_; }
  // A further session that writes for this replication.
  Result<Connection> session(std::string_view purpose, const Until& until) const;

 private:
  Target(Resolve connect, Options options) : connect_(std::move(connect)), options_(std::move(options)) {}
  Result<void> reconnect(const Until& until);
  Result<std::string> connect_control(const Until& until);
  Drop drop() const { return to_drop(options_.snapshot, options_.selection.empty(), former_); }
  Result<void> read_stream_of(pipeline::Claim& claim, const Until& until);
  Result<pipeline::TableRecords> drained_tables(const pipeline::Contents& contents, const Until& until);
  Result<void> check_position(const Until& until);
  Result<std::optional<api::Finding>> why_no_room(const Until& until);
  Result<void> drop_database(const Until& until);
  Result<void> drop_tables(const std::vector<model::Table>& tables, const Until& until);
  Result<void> require_empty(const std::vector<model::Table>& tables, const pipeline::TableRecords& kept,
                             const Until& until);
  Result<std::optional<api::Finding>> begin(const Until& until);
  Result<std::optional<api::Finding>> begin_alone(const Until& until);
  Result<void> plan(const pipeline::Contents& contents, const pipeline::TableRecords& kept, const Until& until);
  Result<void> look_at_steps(const Until& until);
  Result<pipeline::TableRecords> tables_to_keep(const std::vector<model::Table>& tables, const Until& until);
  Result<pipeline::TableRecords> rewind(const pipeline::Contents& contents, const Until& until);

  const Resolve connect_;
  const Options options_;
  std::optional<Connection> control_;
  Owner owner_;
  pipeline::SourceIdentity source_;
  std::optional<ReplicationRow> former_;  // what the ledger said when it was claimed
  std::shared_ptr<const StepOptions> step_options_;
};

}  // namespace tributary::postgres
