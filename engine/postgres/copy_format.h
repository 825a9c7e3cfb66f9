#pragma once

#include <map>
#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/postgres/connection.h"

// Binary or text COPY, per table. Binary does no cast and carries OIDs as numbers, so it is right only where both
// ends agree on a column's wire form; text is always right and slower. The wire form of a column is spelt as a
// string, its shape: equal shapes on both ends are what binary needs, and the empty shape means text only.
//
//   int4, text, jsonb ...                 a built-in type with send and receive functions
//   {shape}  enum  range<shape>  (name:shape,...)    arrays, enums, ranges and composites of shapes; a domain is its base
//   hstore@1.8:public.hstore              a type of an extension, with the extension's version
//   ""                                    reg* and whatever holds one (its bytes are an OID of the other database), types
//                                         without send or receive, base types of nobody's extension
namespace tributary::postgres {

// Column name -> shape.
using ColumnShapes = std::map<std::string, std::string>;

// Of every table of the connection's current database, user schemas only.
struct Shapes {
  int server_version = 0;
  std::map<model::Name, ColumnShapes> tables;
};
Result<Shapes> read_shapes(Connection& connection, const Until& until);

// Pure. Binary where every copied column has the same shape on both ends and the target's major takes it. A table or
// column that one end lacks means text: the error then comes from the server, in its own words.
model::CopyFormat choose_format(const model::Table& table, const Shapes& source, const Shapes& target);

}  // namespace tributary::postgres
