#pragma once

#include <cstdint>
#include <string>

#include "engine/model/name.h"
#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/row_texts.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/verify/mark.h"

// Statements that would make the target what the source is, row by row; pure. They are for reading and for a person to
// run: what was written since is not in them.
namespace tributary::postgres::verify {

// What has to be said before them, so that values are read as they were written.
extern const char* const repair_settings;

// To a number that was given out.
std::string set_sequence(const model::Name& sequence, std::int64_t value);
// Before a row is inserted whose key the target may have in another spelling (1.0 and 1.00): that row; "" where there
// can be none.
std::string delete_equal(const TablePair& pair, const tributary::verify::Key& key);
std::string insert_row(const TablePair& pair, const RowTexts& row);
// Sets what differs, or writes the row anew where that cannot be set (GENERATED ALWAYS AS IDENTITY); "" where only
// computed columns do.
std::string update_row(const TablePair& pair, const tributary::verify::Key& key, const RowTexts& source,
                       const RowTexts& target);
std::string delete_row(const TablePair& pair, const tributary::verify::Key& key);
// Of a table without a key: as many rows of this hash as there are too many.
std::string delete_copies(const TablePair& pair, const Dialect& dialect, const tributary::verify::Found& found);

}  // namespace tributary::postgres::verify
