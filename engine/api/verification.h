#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

// What a comparison of both ends found: the part of a report that `verify` adds. Values only.
namespace tributary::api {

enum class Comparison {
  equal,
  different,
  not_compared,  // `reason` says why; nothing is claimed of it
};

// A row that is not the same on both ends.
struct RowDifference {
  enum class Kind {
    differs,  // in `columns`
    missing,  // on the target
    extra,    // on the target
  };
  // Only where it was asked for: values are data.
  struct Value {
    std::string column;
    std::string source;  // as the server spells it; "NULL" unquoted is the null
    std::string target;
    bool operator==(const Value&) const = default;
  };
  Kind kind = Kind::differs;
  std::string key;                        // "id=17, region='eu'"; where a table has no key "ctid=(0,3) on the source"
  std::uint64_t copies = 1;               // of a table without a key: how many of such rows too few or too many
  std::vector<std::string> columns = {};  // names, of Kind::differs
  std::vector<Value> values = {};
  bool operator==(const RowDifference&) const = default;
};

struct TableVerification {
  std::string database;
  std::string name;  // schema.table
  Comparison result = Comparison::not_compared;
  std::string reason;  // why it was not compared, or what is different beside its rows
  std::uint64_t source_rows = 0;
  std::uint64_t target_rows = 0;
  std::uint64_t differing = 0;
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
  std::vector<RowDifference> rows = {};  // the first by key, most_rows_told at most
  std::uint64_t kept_rows = 0;           // of source_rows, that an attempt which was interrupted has compared
  std::string kept_since = {};           // the earliest of these, RFC 3339; "" where nothing was taken over
};

inline constexpr std::size_t most_rows_told = 100;  // of one table

// For a ledger: one line of JSON, and what it says.
std::string to_json(const TableVerification& table);
Result<TableVerification> table_verification_from_json(std::string_view text);

// Something beside the rows that is not the same: a sequence, or a part of the schema.
struct ObjectDifference {
  std::string database;
  std::string kind;    // "sequence", "table", "column", "default", "constraint", "index", "trigger", "grant", ...
  std::string object;  // public.orders.total
  std::string source;  // as the source has it, "" where it has none
  std::string target;
  bool operator==(const ObjectDifference&) const = default;
};

// What the selection has beside tables and was not compared. It is no part of the verdict, and told with it.
struct Unread {
  std::string database;
  std::string kind;  // "materialized view", "large object"
  std::uint64_t count = 0;
  std::string reason;
  bool operator==(const Unread&) const = default;
};

struct Verification {
  std::string request_id;                        // Spec.verify.request_id
  Comparison result = Comparison::not_compared;  // of rows and sequences; not_compared where only some could be
  std::string position;  // of the source's log, of the last moment that was compared; "" without a stream
  std::uint64_t tables_compared = 0;
  std::uint64_t tables_different = 0;
  std::uint64_t tables_not_compared = 0;
  std::uint64_t rows = 0;       // of the source, that were compared
  std::uint64_t moments = 0;    // at which both ends were read
  std::uint64_t held_ms = 0;    // the longest that the apply of a running sync stood still for one of them
  std::uint64_t kept_rows = 0;  // of `rows`, that an attempt before this one has compared
  std::string kept_since = {};  // the earliest of these, RFC 3339; "" where nothing was taken over
  std::vector<TableVerification> tables = {};
  // Behind on the target, or missing there. An "unreadable sequence" was not compared.
  std::vector<ObjectDifference> sequences = {};
  std::vector<ObjectDifference> structure = {};  // told apart from the data: does not make the result different
  std::vector<Unread> unread = {};
};

}  // namespace tributary::api
