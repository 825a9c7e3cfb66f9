#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "engine/api/verification.h"

// What a place of limited size says of a comparison. Private to engine/api.
namespace tributary::api {

// Cuts a comparison down to the tables that differ most or were not compared, 20 of their rows without values, of each
// differing table one before a second of any, and the other differences; long texts are cut. Counts stay those of all.
class VerificationExcerpt {
 public:
  explicit VerificationExcerpt(Verification& verification);

  // Takes away what is missed least: schema differences, sequences, further rows of a table, tables with their row.
  // Returns how many bytes of JSON that saves; 0 where nothing is left.
  std::size_t drop_least();

  // "3 tables, 80 rows, 0 sequences and 0 schema differences" that were said and are not any more; "" where all are.
  std::string left_out() const;

 private:
  struct Amounts {
    std::size_t tables = 0;
    std::size_t rows = 0;
    std::size_t sequences = 0;
    std::size_t structure = 0;
  };
  Amounts amounts() const;
  void keep_spread_rows();

  Verification& shown_;
  Amounts all_;
  std::vector<std::size_t>
      further_rows_;  // the tables of those that are not the first of theirs, in the order of taking
};

}  // namespace tributary::api
