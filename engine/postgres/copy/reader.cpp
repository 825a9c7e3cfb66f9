#include "engine/postgres/copy/reader.h"

#include "engine/postgres/catalog/lock_wait.h"
#include "engine/postgres/catalog/table_changes.h"
#include "engine/postgres/copy/copy_statement.h"

namespace tributary::postgres {
namespace {

// What the session of a reader failed with, which was about this table.
Error told(const Reader::Resolve& connect, const Connection& connection, std::uint32_t table, const Error& error,
           const Until& until) {
  if (connection.sqlstate() == lock_not_available) return blocked_by(connect, {table}, error, until);
  return amid_changes(connection.sqlstate(), error);
}

Result<void> check_unchanged(const Reader::Resolve& connect, Connection& connection, std::uint32_t table,
                             const Until& until) {
  const Result<std::optional<TableChange>> change = find_change(connection, {table}, until);
  if (!change) return told(connect, connection, table, change.error(), until);
  if (*change) return changed_meanwhile("the table", (*change)->how);
  return {};
}

class Stream final : public pipeline::CopyStream {
 public:
  Stream(const Reader::Resolve& connect, Connection& connection, CopyOut copy, std::uint32_t table)
      : connect_(connect), connection_(connection), copy_(std::move(copy)), table_(table) {}

  Result<std::span<const std::byte>> next(const Until& until) override {
    const Result<std::span<const std::byte>> message = copy_.next(until);
    if (!message) return told(connect_, connection_, table_, message.error(), until);
    if (message->empty()) TRY(check_unchanged(connect_, connection_, table_, until));
    return *message;
  }

  std::uint64_t rows() const override { return copy_.rows(); }

 private:
  const Reader::Resolve& connect_;
  Connection& connection_;
  CopyOut copy_;
  const std::uint32_t table_;
};

}  // namespace

// Asked after the COPY alone, a name that led elsewhere for a while would be believed.
Result<std::unique_ptr<pipeline::CopyStream>> Reader::open(const model::Table& table, const model::CopyPart& part,
                                                           const Until& until) {
  TRY(check_unchanged(connect_, connection_, table.id, until));
  const auto filter = filters_.find(table.id);
  const std::string sql = copy_out_sql(table, part, filter == filters_.end() ? "" : filter->second);
  Result<CopyOut> copy = connection_.copy_out(sql, until);
  if (!copy) return told(connect_, connection_, table.id, copy.error(), until);
  return std::unique_ptr<pipeline::CopyStream>(
      std::make_unique<Stream>(connect_, connection_, std::move(copy).value(), table.id));
}

}  // namespace tributary::postgres
