#include "engine/postgres/reader.h"

#include "engine/postgres/copy_statement.h"
#include "engine/postgres/lock_wait.h"

namespace tributary::postgres {
namespace {

class Stream final : public pipeline::CopyStream {
 public:
  Stream(Connection& connection, CopyOut copy, std::uint32_t table)
      : connection_(connection), copy_(std::move(copy)), table_(table) {}

  Result<std::span<const std::byte>> next(const Until& until) override {
    const std::span<const std::byte> message = TRY(copy_.next(until));
    if (message.empty()) TRY(check_storage(until));
    return message;
  }

  std::uint64_t rows() const override { return copy_.rows(); }

 private:
  // The COPY's lock lasts until the transaction ends, so what is current now is what was read.
  Result<void> check_storage(const Until& until) {
    const Rows same = TRY(connection_.query(
        "SELECT c.relfilenode = pg_catalog.pg_relation_filenode(c.oid) FROM pg_catalog.pg_class c WHERE c.oid = $1",
        {std::to_string(table_)}, until));
    if (same.size() == 1 && same.boolean(0, 0)) return {};
    return Error{Fault::transient, "the table was rewritten since the snapshot was taken, which makes it look empty",
                 "a new snapshot sees it whole"};
  }

  Connection& connection_;
  CopyOut copy_;
  const std::uint32_t table_;
};

}  // namespace

Result<std::unique_ptr<pipeline::CopyStream>> Reader::open(const model::Table& table, const model::CopyPart& part,
                                                           const Until& until) {
  const auto filter = filters_.find(table.id);
  const std::string sql = copy_out_sql(table, part, filter == filters_.end() ? "" : filter->second);
  Result<CopyOut> copy = connection_.copy_out(sql, until);
  if (!copy && connection_.sqlstate() == lock_not_available)
    return blocked_by(connect_, {table.id}, copy.error(), until);
  if (!copy) return copy.error();
  return std::unique_ptr<pipeline::CopyStream>(
      std::make_unique<Stream>(connection_, std::move(copy).value(), table.id));
}

}  // namespace tributary::postgres
