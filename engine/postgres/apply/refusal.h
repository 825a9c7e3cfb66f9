#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres::apply {

// Whether a failed statement says something of the table, its rows or the change, which no retry mends: not the
// connection, the server's resources or state, locks, or the role's rights. Pure.
bool is_about_table(std::string_view sqlstate);

// What to do about a right that `role` lacks on a table of the target; "" where that is not what a statement failed of.
// Pure.
std::string right_to_give(const model::Name& table, const std::string& role, std::string_view sqlstate,
                          std::string_view what);

// What stops a table, as a sentence without its name and without values: `what` ("an update") was refused. Pure.
std::string refusal(const std::string& what, const Error& error, const std::string& sqlstate,
                    const Diagnosis& diagnosis);

}  // namespace tributary::postgres::apply
