#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/change.h"
#include "engine/postgres/pgoutput/assembler.h"

namespace tributary::postgres::pgoutput::wire {

// The events in short: "begin 0/10 of 700", "insert public.t (1,null)", "update public.t key (1,null) (2,unchanged)",
// "delete public.t whole (1,a)", "truncate public.t public.u cascade", "commit 0/10 end 0/12".
std::vector<std::string> told(const model::Batch& batch);

// What an assembler tells of messages: the events, and at last the reason where one was refused. Cuts batches at
// `byte_limit` while it replays.
std::vector<std::string> assembled(Assembler& assembler, const std::vector<std::string>& messages,
                                   std::size_t byte_limit = 1);

}  // namespace tributary::postgres::pgoutput::wire
