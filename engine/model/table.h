#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/name.h"

// The nouns of a copy, as plain values. A Source fills them from its catalog; nobody else reads a catalog.
namespace tributary::model {

struct Column {
  std::string name;
  std::string type;        // as the target would declare it, e.g. "numeric(10,2)"
  bool generated = false;  // computed by the target: never copied
  bool identity_always = false;
  bool nullable = true;
};

// How the rows of a table travel inside COPY; decided per table before the first row (postgres/copy_format).
enum class CopyFormat { binary, text };

// A table that holds rows of its own: ordinary tables and leaf partitions, never a partitioned parent or a view.
struct Table {
  Name name;
  std::uint32_t id = 0;         // the source's own identity of the table (an OID), 0 where it has none
  std::vector<Column> columns;  // in attribute order
  CopyFormat format = CopyFormat::text;
  std::uint64_t bytes = 0;  // of the heap, TOAST included, without indexes
  std::uint64_t pages = 0;  // of the heap's main fork; 0 where ranges by page make no sense
  double rows = -1;         // estimate; -1 when the source has none
  std::string storage;      // identity of the table's storage (relfilenode): another one means a rewrite
  bool unlogged = false;
  // The partitioned table above it that its rows must be written to, because the target may put them into other
  // partitions. The tables of one such route are whole only together.
  std::optional<Name> route = {};
  // By which the source tells later whether the table is defined as it was: its own words, for nobody else.
  std::vector<std::string> shape = {};
};

// One unit of work that is committed as a whole, together with its ledger row: a table or a range of its pages.
struct CopyPart {
  std::size_t table = 0;         // index into the plan's tables
  int number = 0;                // 0 .. parts-1 of this table
  int of = 1;                    // how many parts this table has
  std::uint64_t first_page = 0;  // inclusive; only where of > 1
  std::uint64_t end_page = 0;    // exclusive; 0 means to the end of the table
  std::uint64_t bytes = 0;       // estimate, for order and progress
};

}  // namespace tributary::model
