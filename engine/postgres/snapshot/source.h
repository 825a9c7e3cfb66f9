#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/pipeline/selection.h"
#include "engine/pipeline/source.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/catalog/lock_wait.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/copy/copy_format.h"
#include "engine/postgres/schema/schema_read.h"
#include "engine/postgres/schema/sequences.h"
#include "engine/postgres/snapshot/stream_start.h"

namespace tributary::postgres {

// One PostgreSQL database as a source. A coordinator connection holds the exported snapshot and ACCESS SHARE on every
// selected table until close_snapshot(), so that none is altered before it was read; readers join its snapshot.
//
// The locks come after the snapshot, go with the coordinator's session, which readers do without, and do not keep a
// schema from being renamed. MVCC tells of nothing of that. So each table is compared with what the snapshot says of
// it (table_changes.h): after the locks are held, and by each reader before and after each COPY, whose own lock it
// keeps.
class Source final : public pipeline::Source {
 public:
  struct Options {
    std::string database;
    pipeline::Selection selection;
    std::string pg_dump;  // absolute path
    TargetTraits target;
    std::optional<StreamWish> stream;  // given: a stream is to follow
    // Given: these tables, whatever the selection says. One that does not exist is none.
    std::optional<std::set<model::Name>> only = {};
    // How long these sessions wait for another one, and let one wait; a migration that takes care gives up sooner.
    Milliseconds lock_timeout{30'000};
  };

  // `connect` gives the parameters of the database; asked before every connect.
  using Resolve = std::function<Result<Parameters>()>;
  static Result<std::unique_ptr<Source>> open(Resolve connect, Options options, const Until& until);

  Result<pipeline::SourceIdentity> identity(const Until& until) override;
  Result<pipeline::SnapshotInfo> open_snapshot(const std::optional<pipeline::FormerStream>& former,
                                               const Until& until) override;
  // The same with the view and the position of a slot that the caller has made. Its session is to be left alone until
  // this returns, and no longer.
  Result<pipeline::SnapshotInfo> open_snapshot(const NewSlot& slot, const Until& until);
  Result<std::vector<model::Table>> tables(const Until& until) override;
  Result<pipeline::Schema> schema(const Until& until) override;
  bool splits_tables() const override;
  Result<std::unique_ptr<pipeline::SourceReader>> reader(const Until& until) override;
  Result<std::vector<pipeline::SequenceValue>> sequences(const Until& until) override;
  Result<void> watch(const Until& until) override;
  Result<bool> at_work(const Until& until) const override;
  void close_snapshot() override;
  std::vector<api::Finding> findings() const override { return findings_; }

  // A further session inside the snapshot, for what is neither table nor sequence.
  Result<Connection> join_snapshot(std::string_view purpose, const Until& until);
  // Whether a selected table has a column that may refer to a large object.
  Result<bool> refers_to_large_objects(const Until& until);
  // For questions about the catalog, inside the snapshot.
  Connection& coordinator() { return *coordinator_; }
  // How the columns of all tables travel; read by tables().
  const Shapes& shapes() const { return shapes_; }
  // What the target can do, where that has changed since open().
  void expect(TargetTraits target) { options_.target = std::move(target); }
  std::string client_encoding() const { return coordinator_->reported("client_encoding"); }

 private:
  Source(Resolve connect, Options options) : connect_(std::move(connect)), options_(std::move(options)) {}
  Result<Connection> open_session(std::string_view purpose, const Until& until);
  std::string name_of_dump() const;
  Result<void> connect_coordinator(const Until& until);
  Result<std::optional<OpenStream>> begin_stream(const std::optional<pipeline::FormerStream>& former,
                                                 const Until& until);
  Result<pipeline::SnapshotInfo> take_view(const std::optional<OpenStream>& stream, const Until& until);
  Result<pipeline::SnapshotInfo> export_snapshot(const NewSlot* slot, const Until& until);
  Result<void> look_at_snapshot(const pipeline::SnapshotInfo& info, const Until& until);
  Result<void> leave_transaction(const Until& until);
  void drop_made(const pipeline::StreamStart& stream);
  Result<std::vector<CatalogTable>> read_selected(const Until& until);
  void note_partitions(const std::vector<CatalogTable>& tables);
  bool selects(const model::Name& name) const;
  Result<void> lock_tables(const Until& until);
  Result<void> lock_some(std::size_t first, std::size_t end, const Until& until);
  Result<void> check_unchanged(const Until& until);
  std::vector<std::uint32_t> table_ids() const;

  const Resolve connect_;
  Options options_;
  std::optional<Connection> coordinator_;
  std::string snapshot_;
  Waiters waiters_;
  mutable std::mutex mutex_;           // guards backends_
  std::vector<std::string> backends_;  // process ids of the sessions, also of those that have ended
  std::vector<CatalogTable> tables_;   // selected
  Shapes shapes_;
  std::map<model::Name, std::vector<model::Name>> partition_of_;  // nearest first
  std::vector<Sequence> sequences_;
  std::vector<api::Finding> findings_;
};

}  // namespace tributary::postgres
