#include "engine/postgres/verify/doubts.h"

#include <algorithm>
#include <cstdlib>

#include "engine/postgres/verify/row_hash.h"
#include "engine/postgres/verify/table_sql.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Both;
using tributary::verify::Found;
using tributary::verify::Key;
using Kind = api::RowDifference::Kind;

constexpr std::size_t rows_at_once = 500;

// Rows of the key and what they are; of a table without one how many there are of a hash.
std::string statement(const TablePair& pair, const TableTraits& end, const Dialect& dialect,
                      const std::vector<Key>& keys) {
  const RowHash hash = row_hash(pair, dialect);
  if (pair.key.empty()) {
    std::string hashes;
    for (const Key& key : keys) hashes += (hashes.empty() ? "" : ",") + key.front();
    return "SELECT " + hash.key + ", count(*), '' FROM " + scanned(end) + " WHERE " + hash.key + " = ANY ('{" + hashes +
           "}'::bigint[]) GROUP BY 1";
  }
  std::string columns;
  for (const ComparedColumn& column : pair.key) columns += of_t(column.name) + ", ";
  return "SELECT " + columns + hash.row + ", t.xmin FROM " + scanned(end) + " WHERE " + condition_of(keys, pair) +
         " ORDER BY " + std::to_string(pair.key.size() + 1);
}

Result<std::map<Key, RowState>> read(Connection& connection, const std::string& sql, const Until& until) {
  const Rows rows = TRY(connection.query(sql, until));
  std::map<Key, RowState> states;
  for (int row = 0; row < rows.size(); ++row) {
    Key key;
    for (int column = 0; column + 2 < rows.columns(); ++column) key.push_back(rows.str(row, column));
    RowState& state = states[key];  // of several rows where the key is none on this end
    state.hash += rows.str(row, rows.columns() - 2) + " ";
    state.version += rows.str(row, rows.columns() - 1) + " ";
  }
  return states;
}

std::uint64_t number(const RowState& state) {
  return state.hash.empty() ? 0 : std::strtoull(state.hash.c_str(), nullptr, 10);
}

}  // namespace

Answer judge(const Doubt& doubt, const Both<RowState>& now, bool exact) {
  if (now.source.hash == now.target.hash) return Answer::equal;
  if (exact) return Answer::different;
  if (!doubt.seen) return Answer::unknown;
  const auto stays = [](const RowState& then, const RowState& at_last) {
    return then == at_last && !at_last.version.empty() && at_last.version.front() != ' ';
  };
  const bool was_there = stays(doubt.seen->source, now.source);
  const bool is_too_many = now.source.hash.empty() && stays(doubt.seen->target, now.target);
  return was_there || is_too_many ? Answer::different : Answer::unknown;
}

Found found_now(const Doubt& doubt, const Both<RowState>& now, bool has_key) {
  Found found = doubt.found;
  if (has_key) {
    found.copies = 1;
    found.kind = now.source.hash.empty() ? Kind::extra : now.target.hash.empty() ? Kind::missing : Kind::differs;
  } else {
    const std::uint64_t source = number(now.source);
    const std::uint64_t target = number(now.target);
    found.kind = source > target ? Kind::missing : Kind::extra;
    found.copies = std::max(source, target) - std::min(source, target);
  }
  return found;
}

Key state_key(const Found& found, const TablePair& pair) {
  return pair.key.empty() ? Key{std::to_string(found.row.key_hash)} : found.row.key;
}

Result<RowStates> read_states(Sessions& sessions, const TablePair& pair, const Dialect& dialect,
                              const std::vector<Doubt>& doubts, const Until& until) {
  RowStates states;
  for (std::size_t begin = 0; begin < doubts.size(); begin += rows_at_once) {
    std::vector<Key> keys;
    for (std::size_t at = begin; at < std::min(begin + rows_at_once, doubts.size()); ++at)
      keys.push_back(state_key(doubts[at].found, pair));
    const auto source = TRY(read(sessions.source, statement(pair, pair.ends.source, dialect, keys), until));
    const auto target = TRY(read(sessions.target, statement(pair, pair.ends.target, dialect, keys), until));
    for (const Key& key : keys) {
      const auto here = source.find(key);
      const auto there = target.find(key);
      states[key] = {here == source.end() ? RowState{} : here->second,
                     there == target.end() ? RowState{} : there->second};
    }
  }
  return states;
}

}  // namespace tributary::postgres::verify
