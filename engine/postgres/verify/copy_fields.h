#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tributary::postgres::verify {

// The fields of one row of COPY's text format, its line end included; none of them may be NULL. Pure. Grammar
// (PostgreSQL documentation, "COPY", Text Format):
//   row    = field *( TAB field ) LF
//   field  = *( character / "\" ( "b" / "f" / "n" / "r" / "t" / "v" / "\" ) )
Result<std::vector<std::string>> copy_fields(std::string_view row);

}  // namespace tributary::postgres::verify
