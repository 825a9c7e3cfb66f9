#pragma once

#include <string>

#include "engine/postgres/toc.h"

namespace tributary::postgres {

// What takes back what an entry of a dump makes, from the statement by which pg_dump would drop it. It does nothing
// where the object is gone, as pg_restore --clean --if-exists (src/bin/pg_dump/pg_backup_archiver.c, RestoreArchive),
// and fails where somebody else's object depends on it. "" where the object goes with another one. Pure.
std::string undo_of(const TocEntry& entry);

// Default privileges are no object but a state that the target's own roles may have too: a query whose answer takes
// them back to what they were when it was asked. "" for everything else. Pure.
std::string undo_query_of(const TocEntry& entry);

}  // namespace tributary::postgres
