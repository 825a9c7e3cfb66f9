#pragma once

#include <string>
#include <vector>

// The queries of a Structure, for a server of one major. Each gives rows of one of two shapes:
//   things:  space, schema, name, part, suffix, relation, kind, aspect, definition, detail, since, owner, grants,
//   comment aspects: space, schema, name, part, suffix, aspect, definition, detail, since
// A thing is called schema.name.part followed by suffix as it is, each of which may be NULL; what has a part, or names
// a relation of its schema, is part of that. An aspect belongs to the thing of the same space and name. Grants are an
// array of text: "SELECT", "*" where it may be granted on, and " owner", " public" or " role NAME". Pure.
namespace tributary::postgres::structure {

enum class Shape { things, aspects };

struct Query {
  Shape shape;
  std::string sql;
};

// Relations, and what belongs to them. They speak of `picked`, which picked_relations() puts before them.
std::vector<Query> table_queries(int major, bool whole);
// With `whole` all relations of users; else those of $1 and $2, schemas and names of NameArrays.
std::string picked_relations(bool whole);
// Of a sequence c in schema n: one of users that a picked relation owns or takes a default from; any with `whole`.
std::string is_picked_sequence(bool whole);

// Of the whole database: types with what works on them, and everything else.
std::vector<Query> type_queries(int major);
std::vector<Query> object_queries();

// Pieces of these queries. From the objects o of a catalog and the schemas n that they lie in; those of users.
std::string from(const std::string& catalog, const std::string& namespace_column);
std::string of_users(const std::string& catalog);
// Conditions, and the two last columns.
std::string is_no_member(const std::string& catalog, const std::string& alias);
// Nor made with another object, as the constructors of a range are.
std::string is_nobodys_part(const std::string& catalog, const std::string& alias);
std::string in_user_schema(const std::string& column);
// Not the server's own from the beginning.
std::string made_by_users(const std::string& oid);
// What the privileges' default is depends on the kind; '\0' where there is none.
std::string grants_of(const std::string& acl, char kind, const std::string& owner);
std::string comment_of(const std::string& catalog, const std::string& oid, const std::string& column = "0");

}  // namespace tributary::postgres::structure
