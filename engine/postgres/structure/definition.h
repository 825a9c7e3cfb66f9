#pragma once

#include <string_view>

namespace tributary::postgres::structure {

// A definition as a server of this major spells it.
struct Spelling {
  std::string_view text;
  int major;
};

// Whether two definitions mean the same. Servers of one major spell alike. Others lay out their text differently, and
//  - before 16 qualify the columns of a view's only relation: SELECT orders.id FROM public.orders,
//    and leave out NO INDENT of XMLSERIALIZE,
//  - before 14 leave out IN before the arguments of a procedure.
// Literals, quoted names and bodies of functions are the same only where they are so to the byte. Pure.
bool same_definition(Spelling one, Spelling other);

}  // namespace tributary::postgres::structure
