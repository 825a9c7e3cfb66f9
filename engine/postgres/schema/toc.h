#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"

// The table of contents of a dump in pg_dump's custom format. Every field carries its own length there, so no name
// and no function's body can be mistaken for the next entry, which the comments of a printed script allow.
namespace tributary::postgres {

enum class Section { none = 1, pre_data = 2, data = 3, post_data = 4 };

struct TocEntry {
  int id = 0;
  std::uint32_t catalog = 0;  // the system catalog that describes the object, 0 for what has no row of its own
  std::uint32_t object = 0;   // its OID there
  std::string type;           // "TABLE", "FK CONSTRAINT", "ACL", ...
  std::string tag;            // the object's name, or a description of what it belongs to
  std::string schema;
  std::string owner;
  std::string tablespace;
  std::string access_method;
  Section section = Section::none;
  char relation_kind = 0;    // pg_class.relkind, where the dump tells it
  std::vector<int> depends;  // ids of other entries
  std::string sql;           // one or more statements
  std::string drop;          // the statement that would drop it; names functions and operators with their arguments
};

struct Toc {
  std::string server_version;
  std::string tool_version;
  std::vector<TocEntry> entries;  // in an order that respects the dependencies
};

// Of format versions 1.14 to 1.16, which pg_dump 12 to 18 write. Any bytes give a Toc or an Error.
Result<Toc> parse_toc(std::span<const std::byte> archive);

}  // namespace tributary::postgres
