#include "engine/postgres/ledger/made.h"

#include <algorithm>

#include "engine/postgres/schema/undo.h"

namespace tributary::postgres {

bool Made::holds(const Dependant& dependant) const {
  const bool has_relation = !dependant.relation.name.empty();
  if (has_relation && relations.contains(dependant.relation)) return true;
  if (dependant.called.empty()) return false;
  return std::any_of(undo.begin(), undo.end(), [&](const std::string& each) {
    if (each.find(" " + dependant.called) == each.npos) return false;
    const std::optional<UndoneRelation> relation = relation_of(each);
    return !has_relation || (relation && relation->name == dependant.relation);
  });
}

Result<Made> read_made(Connection& target, const std::string& key, const Until& until) {
  Made made;
  const Rows rows =
      TRY(target.query("SELECT object, undo FROM _tributary.step WHERE replication = $1 AND undo <> ''", {key}, until));
  for (int row = 0; row < rows.size(); ++row) {
    const std::optional<UndoneRelation> relation = relation_of(rows.text(row, 1));
    if (relation && relation->is_dropped) made.relations[relation->name] = rows.str(row, 0);
    made.undo.push_back(rows.str(row, 1));
  }
  return made;
}

}  // namespace tributary::postgres
