#pragma once

#include <optional>
#include <string>

#include "engine/postgres/schema/toc.h"

// Names of what an entry describes: for people, and for ALTER ... OWNER TO. Pure.
namespace tributary::postgres {

// "index app.orders_pkey", "comment on TABLE orders in app".
std::string describe(const TocEntry& entry);

// What follows ALTER and comes before OWNER TO ("TABLE \"app\".\"orders\""); nothing where the object has no owner of
// its own.
std::optional<std::string> ownable(const TocEntry& entry);

}  // namespace tributary::postgres
