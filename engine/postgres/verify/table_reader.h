#pragma once

#include <functional>
#include <memory>

#include "engine/postgres/client/connection.h"
#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/verify/bisection.h"

namespace tributary::postgres::verify {

// One session of each end, in transactions that read at one moment.
using Sessions = tributary::verify::Both<Connection>;

// The answer to a statement that may take long: `alive` is called each second.
Result<Rows> answer_of(Running& running, const std::function<void()>& alive, const Until& until);

// One table of both ends. Borrows all it is given. `alive` is called now and then while a server is at work.
class TableReader final : public tributary::verify::TableEnds {
 public:
  TableReader(Sessions& sessions, const TablePair& pair, const Dialect& dialect, std::function<void()> alive)
      : sessions_(sessions), pair_(pair), dialect_(dialect), alive_(std::move(alive)) {}

  Result<tributary::verify::Both<tributary::verify::Digests>> digests(const tributary::verify::Subset& subset, int bits,
                                                                      const Until& until) override;
  Result<tributary::verify::Both<std::unique_ptr<tributary::verify::MarkStream>>> marks(
      const tributary::verify::Subset& subset, const Until& until) override;

 private:
  Sessions& sessions_;
  const TablePair& pair_;
  const Dialect& dialect_;
  const std::function<void()> alive_;
};

}  // namespace tributary::postgres::verify
