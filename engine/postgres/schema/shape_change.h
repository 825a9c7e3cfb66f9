#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/model/name.h"
#include "engine/postgres/catalog/table_shape.h"

// What becomes of a table that the source defines in another way than when its rows were copied. Pure.
//
//   another relfilenode alone            nothing: VACUUM FULL, CLUSTER, or a TRUNCATE, which the log tells
//   and ALTER TABLE had to do with it    its rows were computed anew, which the log does not tell: recopy
//   columns appended, rows not rewritten in place, with the value that old rows have of them as their default
//   renamed, wider, NULLs allowed, DETACH in place
//   defaults, NOT NULL, ATTACH           in place, once the stream has passed the change
//   all else                             recopy, after the statements that give the target's table the same columns
namespace tributary::postgres {

struct ShapeChange {
  enum class Kind {
    none,      // nothing to be done, but maybe to be recorded
    in_place,  // the statements say all
    recopy,    // they make room for rows that are to be copied again
  };
  Kind kind = Kind::none;
  std::string what;                         // "column \"a\" was dropped, ..."; "" for Kind::none
  std::optional<model::Name> renamed_from;  // to the name of `adopted`, by which all statements go
  std::vector<std::string> renaming = {};  // how, along with others that have its new name: whoever knows those says it
  std::vector<std::string> statements;     // for the target, in order, after that
  std::vector<std::string> finishing;      // likewise, that no row depends on: who refuses them is told of it, no more
  TableShape adopted;                      // what the target's table is like after them
};

// Whether the stream has carried out all that the source had committed when `now` was true already.
enum class Passed { no, yes };

// `top` is the table that columns are altered at: the topmost of which it is a partition on the target too, else
// itself. Both shapes have the same id, or the table was made anew under its name.
ShapeChange compare(const TableShape& known, const TableShape& now, const model::Name& top, Passed passed);

// "a; b;" for a person.
std::string script_of(const std::vector<std::string>& statements);

}  // namespace tributary::postgres
