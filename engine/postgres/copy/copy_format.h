#pragma once

#include <map>
#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/postgres/client/connection.h"

// Binary or text COPY, per table. Binary does no cast and carries OIDs as numbers, so it is right only where both
// ends agree on a column's wire form; text is always right and slower. The wire form of a column is spelt as a
// string, its shape: equal shapes on both ends are what binary needs, and the empty shape means text only.
//
//   int4, text, jsonb ...               a built-in type with send and receive functions
//   {shape}                             an array; {^shape} where its element is no built-in type, so that the OID which
//                                       travels with it is another one on the target
//   enum                                an enum: its labels travel
//   range<shape>, multirange<shape>
//   (4'name:shape,...)                  a composite, its names with their sizes; ^ as in arrays; a domain is its base
//   hstore@1.8/hstore                   a base type of an extension, with the extension's version
//   ""                                  reg* and whatever holds one (its bytes are an OID of the other database), types
//                                       without send or receive, base types of no extension
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
