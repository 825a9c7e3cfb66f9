#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/model/table.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

// What the failure of a COPY into `table` is to whoever must act on it: where the target refuses the rows or the table
// for what they are, no retry helps, and row and column are named as far as the server told them. The row counts within
// one COPY. Whatever may pass stays as it is. Pure.
Error copy_error(const model::Table& table, const std::string& sqlstate, const Diagnosis& diagnosis, Error error);

}  // namespace tributary::postgres
