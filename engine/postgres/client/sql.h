#pragma once

#include <string>
#include <string_view>

#include "engine/model/name.h"

// Spelling of SQL, pure. The answers mean the same on every server whatever its settings: identifiers are always
// quoted, and a literal with a backslash is spelt E'...' so that standard_conforming_strings does not matter.
// Rules from the PostgreSQL documentation, "Lexical Structure". A NUL byte cannot be spelt: what follows it is cut,
// as the server would; names and values from a server never hold one.
namespace tributary::postgres {

// "Mixed Case" -> "\"Mixed Case\"".
std::string quote_identifier(std::string_view identifier);

// it's -> 'it''s'. For use where a parameter is not possible (SET, COPY, CREATE ...).
std::string quote_literal(std::string_view text);

// "schema"."name".
std::string quote_name(const model::Name& name);

}  // namespace tributary::postgres
