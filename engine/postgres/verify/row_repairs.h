#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/repair.h"
#include "engine/postgres/verify/row_texts.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/postgres/verify/table_reader.h"
#include "engine/verify/both.h"
#include "engine/verify/mark.h"

namespace tributary::postgres::verify {

using RowsByKey = std::map<tributary::verify::Key, RowTexts>;

// From rows that differ to the statements that would mend them, or a remark where there are none. Differences of one
// table as they are found; what else it has to know it reads by the sessions of `open`. Used by one thread.
class RowRepairs {
 public:
  using Open = std::function<Result<Sessions*>(const Until&)>;
  // `certain`: what is told of was seen at one moment of both ends.
  RowRepairs(const TablePair& pair, const Dialect& dialect, bool certain, TakeRepair take, Open open)
      : pair_(pair), dialect_(dialect), certain_(certain), take_(std::move(take)), open_(std::move(open)) {}

  // Whether the row that is too many, or missing, has to be read on the end given, to be mended.
  bool wants_source(const tributary::verify::Found& found) const;
  bool wants_target(const tributary::verify::Found& found) const;
  // `rows` holds, whole, those that are wanted and those that differ.
  Result<void> mend(const std::vector<tributary::verify::Found>& found, const tributary::verify::Both<RowsByKey>& rows,
                    const Until& until);

 private:
  struct Twin {
    KeyedRow row;
    bool is_on_source = false;  // as the target writes it
  };
  Result<std::vector<std::optional<Twin>>> find_twins(const std::vector<tributary::verify::Found>& found,
                                                      const Until& until);
  Result<void> learn_constraints(const Until& until);
  Result<void> mend_missing(const tributary::verify::Found& found, const RowTexts& source,
                            const std::optional<Twin>& twin);
  Result<void> mend_extra(const tributary::verify::Found& found, const RowTexts* target);
  Result<void> change(const tributary::verify::Found& found, const RowTexts& source, const RowTexts& target);
  Result<void> write_anew(const tributary::verify::Found& found, const RowTexts* source);
  Result<void> give(RepairPart part, std::string sql, std::uint64_t mends);
  Result<void> remark(const tributary::verify::Found& found, const std::string& why);

  const TablePair& pair_;
  const Dialect& dialect_;
  const bool certain_;
  const TakeRepair take_;
  const Open open_;
  std::optional<std::set<std::string>> constrained_;  // columns, once they are known
  tributary::verify::Key anew_;                       // whose rows were written anew last
  std::set<tributary::verify::Key> respelled_;        // of the target
};

}  // namespace tributary::postgres::verify
