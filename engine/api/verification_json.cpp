#include "engine/api/verification_json.h"

namespace tributary::api {
namespace {

using nlohmann::ordered_json;

const Words<Comparison> comparison_words = {
    {"Equal", Comparison::equal}, {"Different", Comparison::different}, {"NotCompared", Comparison::not_compared}};
const Words<RowDifference::Kind> kind_words = {{"Differs", RowDifference::Kind::differs},
                                               {"Missing", RowDifference::Kind::missing},
                                               {"Extra", RowDifference::Kind::extra}};

template <class T>
ordered_json write_all(const std::vector<T>& values) {
  ordered_json list = ordered_json::array();
  for (const T& value : values) list.push_back(write(value));
  return list;
}

void read_row(JsonReader& in, RowDifference& row) {
  const auto read_value = [](JsonReader& inner, RowDifference::Value& value) {
    inner.read("column", value.column).read("source", value.source).read("target", value.target);
  };
  in.read_word("kind", row.kind, kind_words)
      .read("key", row.key)
      .read("copies", row.copies)
      .read("columns", row.columns)
      .read_list("values", row.values, read_value);
}

void read_table(JsonReader& in, TableVerification& table) {
  in.read("database", table.database)
      .read("name", table.name)
      .read_word("result", table.result, comparison_words)
      .read("reason", table.reason)
      .read("sourceRows", table.source_rows)
      .read("targetRows", table.target_rows)
      .read("differing", table.differing)
      .read("missing", table.missing)
      .read("extra", table.extra)
      .read("keptRows", table.kept_rows)
      .read("keptSince", table.kept_since)
      .read_list("rows", table.rows, read_row);
}

void read_object(JsonReader& in, ObjectDifference& object) {
  in.read("database", object.database)
      .read("kind", object.kind)
      .read("object", object.object)
      .read("source", object.source)
      .read("target", object.target);
}

void read_unread(JsonReader& in, Unread& unread) {
  in.read("database", unread.database)
      .read("kind", unread.kind)
      .read("count", unread.count)
      .read("reason", unread.reason);
}

}  // namespace

ordered_json write(const RowDifference& row) {
  ordered_json json = {{"kind", word_for(kind_words, row.kind)}, {"key", row.key}};
  if (row.copies != 1) json["copies"] = row.copies;
  if (!row.columns.empty()) json["columns"] = row.columns;
  ordered_json values = ordered_json::array();
  for (const RowDifference::Value& value : row.values)
    values.push_back({{"column", value.column}, {"source", value.source}, {"target", value.target}});
  if (!values.empty()) json["values"] = std::move(values);
  return json;
}

ordered_json write(const TableVerification& table) {
  ordered_json json = {{"database", table.database},
                       {"name", table.name},
                       {"result", word_for(comparison_words, table.result)},
                       {"sourceRows", table.source_rows},
                       {"targetRows", table.target_rows},
                       {"differing", table.differing},
                       {"missing", table.missing},
                       {"extra", table.extra}};
  if (!table.reason.empty()) json["reason"] = table.reason;
  if (!table.kept_since.empty()) {
    json["keptRows"] = table.kept_rows;
    json["keptSince"] = table.kept_since;
  }
  json["rows"] = write_all(table.rows);
  return json;
}

ordered_json write(const ObjectDifference& object) {
  return {{"database", object.database},
          {"kind", object.kind},
          {"object", object.object},
          {"source", object.source},
          {"target", object.target}};
}

ordered_json write(const Unread& unread) {
  return {{"database", unread.database}, {"kind", unread.kind}, {"count", unread.count}, {"reason", unread.reason}};
}

ordered_json write(const Verification& verification) {
  return {{"requestID", verification.request_id},
          {"result", word_for(comparison_words, verification.result)},
          {"position", verification.position},
          {"tablesCompared", verification.tables_compared},
          {"tablesDifferent", verification.tables_different},
          {"tablesNotCompared", verification.tables_not_compared},
          {"rows", verification.rows},
          {"moments", verification.moments},
          {"heldMilliseconds", verification.held_ms},
          {"keptRows", verification.kept_rows},
          {"keptSince", verification.kept_since},
          {"tables", write_all(verification.tables)},
          {"sequences", write_all(verification.sequences)},
          {"structure", write_all(verification.structure)},
          {"unread", write_all(verification.unread)}};
}

void read_verification(JsonReader& in, Verification& verification) {
  in.read("requestID", verification.request_id)
      .read_word("result", verification.result, comparison_words)
      .read("position", verification.position)
      .read("tablesCompared", verification.tables_compared)
      .read("tablesDifferent", verification.tables_different)
      .read("tablesNotCompared", verification.tables_not_compared)
      .read("rows", verification.rows)
      .read("moments", verification.moments)
      .read("heldMilliseconds", verification.held_ms)
      .read("keptRows", verification.kept_rows)
      .read("keptSince", verification.kept_since)
      .read_list("tables", verification.tables, read_table)
      .read_list("sequences", verification.sequences, read_object)
      .read_list("structure", verification.structure, read_object)
      .read_list("unread", verification.unread, read_unread);
}

std::string to_json(const TableVerification& table) {
  return write(table).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<TableVerification> table_verification_from_json(std::string_view text) {
  TableVerification table;
  JsonReader in(text, "comparison", UnknownKeys::ignore);
  read_table(in, table);
  TRY(in.finish());
  return table;
}

}  // namespace tributary::api
