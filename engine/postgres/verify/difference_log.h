#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/api/verification.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/row_texts.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/postgres/verify/table_reader.h"
#include "engine/verify/mark.h"

// From a difference of hashes to what a person is told of it.
namespace tributary::postgres::verify {

// Takes one statement for the target, in any thread, one at a time.
using TakeRepair = std::function<Result<void>(const std::string& statement)>;

// Differences of one range as they are found. Reads the rows by sessions of its own (`open`), at the same moment, for
// those of the comparison are busy; they are kept for the next range. Used by one thread.
class DifferenceLog {
 public:
  using Open = std::function<Result<Sessions*>(const Until&)>;
  // `found` is counted up, and told of the first hundred rows.
  DifferenceLog(const TablePair& pair, const Dialect& dialect, api::TableVerification& found, bool show_values,
                TakeRepair repair, Open open)
      : pair_(pair),
        dialect_(dialect),
        result_(found),
        values_(repair        ? Values::whole
                : show_values ? Values::cut
                              : Values::none),
        show_values_(show_values),
        repair_(std::move(repair)),
        open_(std::move(open)) {}

  Result<void> add(const tributary::verify::Found& found, const Until& until);
  // Those that have not been read yet.
  Result<void> finish(const Until& until);

 private:
  struct Pending {
    tributary::verify::Found found;
    bool told = false;
  };
  void count(const tributary::verify::Found& found);
  api::RowDifference describe(const tributary::verify::Found& found, const RowTexts* source,
                              const RowTexts* target) const;
  Result<void> repair(const tributary::verify::Found& found, const RowTexts* source, const RowTexts* target);

  const TablePair& pair_;
  const Dialect& dialect_;
  api::TableVerification& result_;
  std::size_t told_ = 0;
  const Values values_;
  const bool show_values_;
  const TakeRepair repair_;
  const Open open_;
  std::vector<Pending> pending_;
};

// "id=17, region='eu'". Pure.
std::string spell_key(const tributary::verify::Found& found, const TablePair& pair);

}  // namespace tributary::postgres::verify
