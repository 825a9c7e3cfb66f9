#pragma once

#include "engine/model/lsn.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

// A field of type pg_lsn, or its text; zero where it is NULL.
inline model::Lsn lsn_of(const Rows& rows, int row, int column) {
  return model::parse_lsn(rows.text(row, column)).value_or(model::Lsn{});
}

}  // namespace tributary::postgres
