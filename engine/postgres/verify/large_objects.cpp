#include "engine/postgres/verify/large_objects.h"

#include <algorithm>
#include <limits>

#include "engine/postgres/copy/large_objects.h"
#include "engine/postgres/verify/table_traits.h"

namespace tributary::postgres::verify {
namespace {

using Kind = api::RowDifference::Kind;

constexpr std::uint32_t last_of_all = std::numeric_limits<std::uint32_t>::max();
constexpr int at_once = 1'000;

constexpr const char* counts =
    "SELECT (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_class WHERE relkind = 'm')";

// The last of the next thousand, or nothing where there are no more than these.
constexpr const char* next_end =
    "SELECT max(oid)::bigint, count(*) FROM (SELECT oid FROM pg_largeobject_metadata WHERE oid > $1::oid"
    " ORDER BY oid LIMIT $2::int) AS o";

// What is not written of an object, between pages and behind them, is read as zeros: so as a client sees it, not by the
// pages. 262144 is INV_READ.
constexpr const char* contents = R"sql(
SELECT m.oid::bigint, s.size || ' ' || h.sum
FROM pg_largeobject_metadata m
CROSS JOIN LATERAL (SELECT lo_lseek64(lo_open(m.oid, 262144), 0, 2) AS size) AS s
CROSS JOIN LATERAL (
  SELECT coalesce(sum(('x' || encode(substring(sha256(int8send(o) || lo_get(m.oid, o, 262144)) FROM 1 FOR 8), 'hex'))
    ::bit(64)::bigint), 0) AS sum
  FROM generate_series(0::bigint, s.size - 1, 262144::bigint) AS o) AS h
WHERE m.oid > )sql";

// An object stays open until its transaction ends, or is rolled back to here.
constexpr const char* savepoint = "SAVEPOINT large_objects";
constexpr const char* back = "ROLLBACK TO SAVEPOINT large_objects; RELEASE SAVEPOINT large_objects";

Result<bool> may_be_referred_to(Connection& source, const std::vector<model::Name>& tables, const Until& until) {
  std::vector<std::uint32_t> ids;
  for (const TableTraits& table : TRY(read_table_traits(source, tables, until))) ids.push_back(table.id);
  return !TRY(tables_with_large_objects(source, ids, until)).empty();
}

std::uint64_t number(const Rows& rows, int column) {
  return static_cast<std::uint64_t>(rows.integer(0, column));
}

}  // namespace

Result<BesideTables> look_beside_tables(const ComparisonOptions& options, const std::vector<model::Name>& tables,
                                        const Until& until) {
  Sessions sessions = TRY(open_sessions(options.ends, until));
  const Rows here = TRY(sessions.source.query_row(counts, {}, until));
  const Rows there = TRY(sessions.target.query_row(counts, {}, until));
  BesideTables beside;
  const auto leave = [&](const char* kind, std::uint64_t count, const char* reason) {
    if (count > 0) beside.unread.push_back({options.database, kind, count, reason});
  };
  if (options.whole)
    leave("materialized view", number(here, 1),
          "rows come from REFRESH, not from the source; definition and whether it is populated are compared with the "
          "schema");
  const std::uint64_t objects = number(here, 0);
  if (objects == 0 && (!options.whole || number(there, 0) == 0)) return beside;
  if (!options.large_objects) {
    leave("large object", objects, "left out, as asked for");
  } else if (!options.whole && !TRY(may_be_referred_to(sessions.source, tables, until))) {
    leave("large object", objects, "no selected table has a column that could refer to one");
  } else if (!options.key.empty()) {
    leave("large object", objects, "the stream does not carry their changes: the target has them as they were copied");
  } else {
    beside.compares_large_objects = true;
  }
  return beside;
}

LargeObjectComparison::LargeObjectComparison(const ComparisonOptions& options, pipeline::ProgressBoard& board)
    : options_(options), board_(board) {
  result_.database = options.database;
  result_.name = "pg_catalog.pg_largeobject";
}

Result<void> LargeObjectComparison::go_on(const moment::Moment& moment, const Deadline& enough, const Until& until) {
  Sessions sessions = TRY(open_sessions_at(options_.ends, moment.source_snapshot(), moment.target_snapshot(), until));
  while (!is_done_ && !enough.passed()) {
    TRY(sessions.source.execute(savepoint, until));
    TRY(sessions.target.execute(savepoint, until));
    const Result<void> compared = compare_next(sessions, until);
    const bool is_refused = !compared && compared.error().fault != Fault::transient &&
                            compared.error().fault != Fault::cancelled && sessions.source.usable() &&
                            sessions.target.usable();
    if (!compared && !is_refused) return compared;
    if (is_refused) {
      result_ = {.database = result_.database, .name = result_.name, .reason = describe(compared.error())};
      is_done_ = true;
      return {};
    }
    TRY(sessions.source.execute(back, until));
    TRY(sessions.target.execute(back, until));
  }
  if (!is_done_) return {};
  const bool is_equal = result_.differing + result_.missing + result_.extra == 0;
  result_.result = is_equal ? api::Comparison::equal : api::Comparison::different;
  return {};
}

// As far as both ends have no more than a thousand.
Result<void> LargeObjectComparison::compare_next(Sessions& sessions, const Until& until) {
  std::uint32_t last = last_of_all;
  for (Connection* const end : {&sessions.source, &sessions.target}) {
    const Rows next = TRY(end->query_row(next_end, {std::to_string(after_), std::to_string(at_once)}, until));
    if (next.integer(0, 1) == at_once) last = std::min(last, static_cast<std::uint32_t>(next.integer(0, 0)));
  }
  const Result<std::vector<Content>> source = read(sessions.source, last, until);
  if (!source) return within("the source", source.error());
  const Result<std::vector<Content>> target = read(sessions.target, last, until);
  if (!target) return within("the target", target.error());
  compare(*source, *target);
  after_ = last;
  is_done_ = last == last_of_all;
  return {};
}

Result<std::vector<LargeObjectComparison::Content>> LargeObjectComparison::read(Connection& connection,
                                                                                std::uint32_t last,
                                                                                const Until& until) {
  const std::string sql =
      contents + std::to_string(after_) + " AND m.oid <= " + std::to_string(last) + " ORDER BY m.oid";
  Running running = TRY(connection.begin(sql, until));
  const Rows rows = TRY(answer_of(
      running, [this] { board_.moved(); }, until));
  std::vector<Content> read;
  for (int row = 0; row < rows.size(); ++row)
    read.push_back({static_cast<std::uint32_t>(rows.integer(row, 0)), rows.str(row, 1)});
  return read;
}

void LargeObjectComparison::compare(const std::vector<Content>& source, const std::vector<Content>& target) {
  auto there = target.begin();
  const auto skip_extra = [&](std::uint64_t before) {
    for (; there != target.end() && there->id < before; ++there)
      if (options_.whole) tell(Kind::extra, there->id);
  };
  for (const Content& object : source) {
    skip_extra(object.id);
    ++result_.source_rows;
    if (there == target.end() || there->id != object.id) {
      tell(Kind::missing, object.id);
      continue;
    }
    ++result_.target_rows;
    if (there->hash != object.hash) tell(Kind::differs, object.id);
    ++there;
  }
  skip_extra(std::uint64_t{last_of_all} + 1);
}

void LargeObjectComparison::tell(Kind kind, std::uint32_t id) {
  if (kind == Kind::extra) ++result_.target_rows;
  ++(kind == Kind::differs ? result_.differing : kind == Kind::missing ? result_.missing : result_.extra);
  if (result_.rows.size() == api::most_rows_told) return;
  api::RowDifference row{kind, "oid=" + std::to_string(id)};
  if (kind == Kind::differs) row.columns = {"data"};
  result_.rows.push_back(std::move(row));
}

}  // namespace tributary::postgres::verify
