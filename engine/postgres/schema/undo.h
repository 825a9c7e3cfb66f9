#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/model/name.h"
#include "engine/postgres/schema/toc.h"

namespace tributary::postgres {

// What takes back what an entry of a dump makes, from the statement by which pg_dump would drop it. It does nothing
// where the object is gone, as pg_restore --clean --if-exists (src/bin/pg_dump/pg_backup_archiver.c, RestoreArchive),
// and fails where somebody else's object depends on it. "" where the object goes with another one. Pure.
std::string undo_of(const TocEntry& entry);

// Default privileges are no object but a state that the target's own roles may have too: a query whose answer takes
// them back to what they were when it was asked. "" for everything else. Pure.
std::string undo_query_of(const TocEntry& entry);

// The table, view, sequence or type that one of these statements drops, or takes something from, such as a trigger.
struct UndoneRelation {
  model::Name name;
  bool is_dropped = false;  // else it only loses something
};
// Nothing where it is about something else. Pure.
std::optional<UndoneRelation> relation_of(std::string_view undo);

// The same statement once that relation bears another name. Pure.
std::string with_new_name(const std::string& undo, const model::Name& from, const model::Name& to);

}  // namespace tributary::postgres
