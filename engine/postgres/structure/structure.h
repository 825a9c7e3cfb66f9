#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// What a database is made of, read alike from servers of every major, and where two of them differ. Reads only, what
// every role may read.
namespace tributary::postgres::structure {

// Names are unique within one of PostgreSQL's namespaces: "relation", "column", "function", "type" ...
struct Key {
  std::string object;  // "public.orders.total", as model::display spells it
  std::string space;
  auto operator<=>(const Key&) const = default;
};

struct Definition {
  std::string text;
  // More of it, which only majors from `detail_since` on know: compared where both sides do.
  std::string detail = {};
  int detail_since = 0;
};

// By grantee, with whether it may be granted on; "" is PUBLIC.
using Privileges = std::map<std::string, bool>;
struct Grants {
  Privileges of_owner;
  std::map<std::string, Privileges> of_roles;
};

struct Thing {
  std::string kind;    // "table", "column", "index": what is missing where it is missing
  std::string aspect;  // of its definition: "type" for a column
  Definition definition;
  std::optional<Key> part_of = {};  // missing with it
  std::optional<std::string> owner = {};
  Grants grants = {};
  std::map<std::string, Definition> aspects = {};  // "default", "nullability", "comment": only those it has
  bool invalid = false;                            // an index that could not be built
};

struct Structure {
  int major = 0;
  std::set<std::string> roles;  // of the server
  std::map<Key, Thing> things;
};

// Of these tables and what belongs to them or, with `whole`, of all that the database's schemas hold; `tables` says
// nothing then. Left out are schema _tributary, temporary objects, extensions' own objects, what Tributary never copies
// (publications, subscriptions) and what is no schema (large objects). Bounded: one query per kind of thing. Expects a
// session with search_path = pg_catalog. Fault::transient where objects are dropped meanwhile.
Result<Structure> read_structure(Connection& connection, const std::vector<model::Name>& tables, bool whole,
                                 const Until& until);

struct Difference {
  std::string kind;    // the thing's where one side lacks it, else what of it differs
  std::string object;  // "public.orders.total"
  std::string source;  // the definition there, "" where it has none
  std::string target;
};

// By object. What belongs to a missing thing is not told again. Owners and grants are compared for roles that both
// servers have; every other role is one difference. An invalid index of the source is nobody's to have. Pure.
std::vector<Difference> compare(const Structure& source, const Structure& target);

}  // namespace tributary::postgres::structure
