#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/api/verification.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/first_rows.h"
#include "engine/postgres/verify/row_repairs.h"
#include "engine/postgres/verify/row_texts.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/postgres/verify/table_reader.h"
#include "engine/verify/mark.h"

// From a difference of hashes to what a person is told of it.
namespace tributary::postgres::verify {

// Differences of one range as they are found. Reads the rows by sessions of its own (`open`), at the same moment, for
// those of the comparison are busy; they are kept for the next range. Used by one thread.
class DifferenceLog {
 public:
  using Open = RowRepairs::Open;
  // `found` is counted up, and told of the first rows by key. `repairs` may be nothing.
  DifferenceLog(const TablePair& pair, const Dialect& dialect, api::TableVerification& found, bool show_values,
                std::optional<RowRepairs> repairs, Open open)
      : pair_(pair),
        dialect_(dialect),
        result_(found),
        values_(repairs       ? Values::whole
                : show_values ? Values::cut
                              : Values::none),
        show_values_(show_values),
        repairs_(std::move(repairs)),
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

  const TablePair& pair_;
  const Dialect& dialect_;
  api::TableVerification& result_;
  FirstKeys first_;
  const Values values_;
  const bool show_values_;
  std::optional<RowRepairs> repairs_;
  const Open open_;
  std::vector<Pending> pending_;
};

// "id=17, region='eu'". Pure.
std::string spell_key(const tributary::verify::Found& found, const TablePair& pair);

}  // namespace tributary::postgres::verify
