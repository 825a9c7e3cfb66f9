#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/model/name.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/catalog/table_shape.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/enum_values.h"
#include "engine/postgres/sync/type_forms.h"

namespace tributary::postgres::sync {

// The tables of a source at one moment.
struct SourceTable {
  CatalogTable catalog;
  TableShape shape;
  bool is_selected = false;
  std::string not_published;  // why the stream does not carry it, or cannot; "" where it does, or may
  std::string left_out;       // what our own publication, which could carry it, lacks of it
  // The table that its columns are altered at.
  const model::Name& top() const { return catalog.partition_of.empty() ? shape.name : catalog.partition_of.back(); }
};
struct SourceSight {
  std::map<std::uint32_t, SourceTable> tables;   // by OID
  std::map<model::Name, std::uint32_t> parents;  // the OIDs of partitioned tables
  std::vector<EnumType> enums;                   // of theirs
  std::vector<TypeForm> forms;                   // of their types
  std::string print;                             // read_print_of_tables() of the same moment
  model::Lsn end;                                // all that the source had committed when it was looked at lies below
};

// Nothing where somebody has had a table for himself for as long as the session's lock_timeout, or waits for that.
Result<std::optional<SourceSight>> look_at_tables(const StreamOptions& options, SourceSide& source,
                                                  const StreamRow& stream, const Until& until);

// Another one where a table, a column, a key, a schema, a type or what is published has changed since; seldom another
// one where nothing has. Costs a scan of the catalogs: 0.3 s for 10,000 tables of a busy server, a thirtieth of a look.
Result<std::string> read_print_of_tables(Connection& source, const Until& until);

}  // namespace tributary::postgres::sync
