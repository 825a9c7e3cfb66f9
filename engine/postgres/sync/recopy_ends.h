#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/clock.h"
#include "engine/pipeline/recopy.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/sync/recopy_round.h"
#include "engine/postgres/sync/table_standing.h"
#include "engine/postgres/table_shape.h"

namespace tributary::postgres::sync {

// Both ends of a stream for its tables that are copied again, with sessions of their own.
class RecopyEnds final : public pipeline::RecopyEnds {
 public:
  explicit RecopyEnds(RecopyStream stream) : stream_(std::move(stream)) {}

  Result<std::vector<pipeline::AskedTable>> wanted(const Until& until) override;
  Result<std::unique_ptr<pipeline::RecopyRound>> begin(const std::vector<pipeline::AskedTable>& tables,
                                                       const Until& until) override;
  Result<void> stop(const pipeline::StoppedUnit& unit, const Until& until) override;

 private:
  // For the stream's own look at what the source has changed.
  struct Wait {
    TableShape shape;  // on the source
    Deadline end;
  };

  Result<Connection*> control(const Until& until);
  Result<bool> must_wait(const pipeline::StoppedUnit& unit, const Until& until);
  bool must_wait(const model::Name& table, const TableShape& recorded, TableShape now);

  const RecopyStream stream_;
  std::optional<Connection> control_;
  std::map<model::Name, Wait> waits_;
  int rounds_ = 0;
};

// Takes a request of the spec up, if it was not before. Entries of this database that name no table are logged.
Result<void> take_up_request(const NamedRequest& request, const std::string& database, const Owner& owner,
                             Connection& control, const Until& until);

// Asks for tables by hand, under nobody's lock: which these are.
Result<std::vector<pipeline::AskedTable>> ask_for_recopy(const StreamOptions& options,
                                                         const std::vector<std::string>& entries, const Until& until);

}  // namespace tributary::postgres::sync
