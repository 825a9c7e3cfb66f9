#pragma once

#include <cstdint>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres::moment {

// Where the record before `insert` ends, which is where the next one is to be written: behind the header of a page,
// where that page is a new one. Rules from src/backend/access/transam/xlog.c (XLogBytePosToRecPtr) and
// src/include/access/xlog_internal.h. Pure.
model::Lsn end_of_record_before(model::Lsn insert, std::uint64_t page, std::uint64_t segment);

// Behind everything that transactions have written which this session has seen. A commit that does not wait for its log
// to be written is seen before, so it is where the log is inserted to; on a standby where it was received or replayed
// to.
Result<model::Lsn> read_log_end(Connection& source, const Until& until);

}  // namespace tributary::postgres::moment
