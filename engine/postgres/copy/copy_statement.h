#pragma once

#include <string>

#include "engine/model/table.h"

// The two COPY statements of a part, pure. Columns are always spelt out (the two ends may order them differently) and
// generated ones left out, because the target computes them.
namespace tributary::postgres {

// Where COPY puts the rows: the table, or one above it.
const model::Name& written_to(const model::Table& table);

// `filter` is "" or "WHERE ...". Rows of child tables never travel with their parent.
std::string copy_out_sql(const model::Table& table, const model::CopyPart& part, const std::string& filter = "");

enum class Freeze { no, yes };  // yes needs the table truncated in the same transaction
std::string copy_in_sql(const model::Table& table, Freeze freeze);

}  // namespace tributary::postgres
