#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "engine/pipeline/target.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/postgres/ledger/recopy_ledger.h"

namespace tributary::postgres {

// Replaces the rows of tables that others read meanwhile: in one transaction the old ones go row by row, as TRUNCATE
// would empty the table for readers of older snapshots too, and the new ones come. What an extension has put into a
// table of its own stays, and so do rows that are not the replication's: such a table is refused. Destroying it before
// commit() undoes it.
class ReplacingWriter final : public pipeline::PartWriter {
 public:
  // `connection` is one of open_target_session().
  ReplacingWriter(Connection connection, Owner owner) : connection_(std::move(connection)), owner_(std::move(owner)) {}

  Result<void> begin(const Until& until);
  Result<void> open(const model::Table& table, const model::CopyPart& part, const Until& until) override;
  Result<void> write(std::span<const std::byte> bytes, const Until& until) override;
  Result<pipeline::PartCount> close(std::uint64_t bytes, const Until& until) override;
  // With what the ledger is to say of the tables, under the fence.
  Result<void> commit(const std::vector<RecopiedTable>& tables, model::Lsn position, const Until& until);

 private:
  Result<void> empty(const model::Name& table, bool with_partitions, const Until& until);
  Error refused(const Error& error) const;

  Connection connection_;
  const Owner owner_;
  std::map<model::Name, std::string> conditions_;  // of rows that are not an extension's own
  std::set<model::Name> emptied_;
  model::Table table_;  // of the open part
  std::optional<CopyIn> copy_;
};

}  // namespace tributary::postgres
