#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/pipeline/recopy.h"
#include "engine/postgres/catalog/table_shape.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/sync/recopy_round.h"
#include "engine/postgres/sync/table_standing.h"

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
  Result<Connection*> control(const Until& until);
  Result<bool> must_wait(const pipeline::StoppedUnit& unit, const Until& until);
  bool is_news(std::uint32_t id, const TableShape* now) const;
  void await_look(const model::Name& table);

  const RecopyStream stream_;
  std::optional<Connection> control_;
  Look began_;                                  // the last one before the last round
  std::map<model::Name, std::uint64_t> waits_;  // for a look after that of this number
  int rounds_ = 0;
};

// Takes a request of the spec up, if it was not before. Entries of this database that name no table are logged.
Result<void> take_up_request(const NamedRequest& request, const std::string& database, const Owner& owner,
                             Connection& control, const Until& until);

// Asks for tables by hand, under nobody's lock: which these are.
Result<std::vector<pipeline::AskedTable>> ask_for_recopy(const StreamOptions& options,
                                                         const std::vector<std::string>& entries, const Until& until);

}  // namespace tributary::postgres::sync
