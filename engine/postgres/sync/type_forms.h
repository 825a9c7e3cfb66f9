#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/sync/claim.h"

// What domains and composite types are made of. Both are changed, or made anew under their name, without a word in the
// log, and their values come as text: rounded by another domain, or put into other attributes, they would be taken.
namespace tributary::postgres::sync {

struct TypeForm {
  model::Name name;
  std::string form;                   // "numeric(10,2)", "(street text, zip text)"
  std::vector<std::uint32_t> tables;  // OIDs of those whose columns have them, in arrays, other types and the like too
};

// Of all that tables of the users have, by name. Those of extensions are left to them. The connection as in catalog.h.
Result<std::vector<TypeForm>> read_type_forms(Connection& source, const Until& until);

// Stops the tables of types that the target has in another form, which nothing but a person can mend. True where the
// ledger's list of tables has changed.
Result<bool> stop_where_forms_differ(Claimed& claimed, const std::vector<TypeForm>& types, const Until& until);

}  // namespace tributary::postgres::sync
