#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/pipeline/recopy.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/recopy_ledger.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/replication/slot.h"
#include "engine/postgres/snapshot/source.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/looks.h"

namespace tributary::postgres::sync {

// The slot of the round that is open, for whoever measures what the source keeps for it. Any thread.
class RoundSlot {
 public:
  void set(std::string name) {
    const std::lock_guard lock(mutex_);
    name_ = std::move(name);
  }
  // "" where there is none.
  std::string name() const {
    const std::lock_guard lock(mutex_);
    return name_;
  }

 private:
  mutable std::mutex mutex_;
  std::string name_;
};

// Whose tables are copied again, and under which epoch.
struct RecopyStream {
  StreamOptions options;
  Owner owner;
  StreamRow row;
  std::string client_encoding;       // of the source's sessions
  std::mutex* publishing = nullptr;  // held from a look at the source's tables until the publication is that of them
  RoundSlot* slot = nullptr;
  Looks* looks = nullptr;
};

// A further session on the target that writes for this replication.
Result<Connection> open_recopy_session(const RecopyStream& stream, std::string_view purpose, const Until& until);

// One round: a temporary slot, whose session is first left alone for its snapshot, and then streams.
class RecopyRound final : public pipeline::RecopyRound {
 public:
  // `control` is a session on the target. `tables` may have one that the source has dropped, which is not copied:
  // nor is what shares a table of the target with it. `number` tells rounds of one epoch apart.
  static Result<std::unique_ptr<RecopyRound>> open(const RecopyStream& stream, Connection& control,
                                                   const std::vector<FollowedTable>& tables, int number,
                                                   const Until& until);

  ~RecopyRound() override;
  RecopyRound(const RecopyRound&) = delete;
  RecopyRound& operator=(const RecopyRound&) = delete;

  const std::vector<pipeline::StoppedUnit>& refused() const override { return refused_; }
  const std::vector<std::vector<model::Name>>& units() const override { return units_; }
  Result<void> copy(std::size_t unit, const pipeline::Told& told, const Until& until) override;
  bool follows() const override { return !copied_.empty(); }
  Result<std::unique_ptr<pipeline::Applier>> applier(const Until& until) override;
  Result<std::unique_ptr<pipeline::ChangeStream>> stream(const Until& until) override;
  Result<void> hand_over(const Until& until) override;

 private:
  RecopyRound(RecopyStream stream, Connection& control) : stream_(std::move(stream)), control_(control) {}
  Result<void> leave_to_look(const PublicationState& now, const std::vector<CatalogTable>& tables) const;
  Result<void> publish(Connection& source, const std::vector<FollowedTable>& tables, const Until& until);
  Result<void> take_snapshot(Connection& source, const std::string& slot, const Until& until);
  Result<void> plan(const std::vector<FollowedTable>& tables, const Until& until);
  std::string why_refused(const FollowedTable& table) const;
  void place(const std::vector<FollowedTable>& unit);
  Result<void> replace(std::size_t unit, const pipeline::Told& told, std::vector<RecopiedTable>& done,
                       const Until& until);

  const RecopyStream stream_;
  Connection& control_;
  std::map<model::Name, std::string> not_streamed_;  // and why
  std::map<model::Name, FollowedTable> known_;       // as the ledger had them when the round began
  std::set<std::uint32_t> there_;                    // ids of all tables of the source
  std::optional<Connection> session_;                // owns the slot
  std::string slot_name_;
  NewSlot slot_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<pipeline::SourceReader> reader_;
  std::map<model::Name, model::Table> tables_;
  std::vector<std::vector<model::Name>> units_;
  std::vector<pipeline::StoppedUnit> refused_;
  std::vector<model::Name> copied_;  // that are streamed
};

}  // namespace tributary::postgres::sync
