#include "engine/postgres/apply/row_statement.h"

namespace tributary::postgres::apply {
namespace {

using model::Event;
using model::Value;
using Identity = model::LogTable::Identity;

constexpr char written = 1;
constexpr char matched = 2;
constexpr char matched_null = 4;
constexpr char no_column = 64;  // printable with any of the above

bool is_equal(const Value& one, const Value& other) {
  return one.kind == other.kind && one.bytes == other.bytes;
}

// Whether the log says that an update left the column as it was.
bool is_as_it_was(const TablePlan& plan, const Event& event, std::size_t at) {
  const Value& value = event.new_row[at];
  const PlannedColumn& column = plan.columns[at];
  if (value.kind == Value::Kind::unchanged) return true;
  const bool tells_rows_apart = column.identifies && plan.identity != Identity::whole_row;
  if (event.old_row.empty()) return tells_rows_apart;
  if (!tells_rows_apart && !(event.old_is_whole && column.is_identity_always)) return false;
  return is_equal(value, event.old_row[at]);
}

void append(std::string& list, const char* separator, const std::string& item) {
  if (!list.empty()) list += separator;
  list += item;
}

// The parts of a row's statement, with its parameters as they are numbered.
class Spelling {
 public:
  Spelling(const TablePlan& plan, const RowForm& form) : plan_(plan), form_(form) {}

  RowStatement spell();

 private:
  std::string parameter(bool is_old, std::size_t column) {
    statement_.sources.push_back({is_old, column});
    statement_.types.push_back(plan_.columns[column].type);
    return "$" + std::to_string(statement_.sources.size());
  }
  std::string equal(std::size_t at);
  std::string conditions();
  std::string where();
  std::string insert();
  std::string update();
  std::string replace();

  const TablePlan& plan_;
  const RowForm& form_;
  RowStatement statement_;
};

std::string Spelling::equal(std::size_t at) {
  const PlannedColumn& column = plan_.columns[at];
  const std::string value = parameter(form_.matches_old_row(), at);
  const std::string as_values =
      column.name + " " + (column.equality.empty() ? "OPERATOR(pg_catalog.=)" : column.equality) + " " + value;
  const std::string as_texts =
      column.name + "::pg_catalog.text COLLATE \"C\" = " + value + "::pg_catalog.text COLLATE \"C\"";
  if (plan_.identity != Identity::whole_row || column.likeness == Likeness::by_equality) return as_values;
  return column.likeness == Likeness::by_both ? as_values + " AND " + as_texts : as_texts;
}

std::string Spelling::conditions() {
  std::string list;
  for (std::size_t at = 0; at < plan_.columns.size(); ++at) {
    const RowForm::Column column = form_.column(at);
    if (column.is_matched) append(list, " AND ", equal(at));
    if (column.is_matched_null) append(list, " AND ", plan_.columns[at].name + " IS NULL");
  }
  return list.empty() ? "true" : list;
}

// Where nothing but the whole row tells rows apart, any one of equal rows will do.
std::string Spelling::where() {
  if (plan_.identity != Identity::whole_row) return " WHERE " + conditions();
  const std::string from = " FROM " + plan_.target + " WHERE " + conditions() + " LIMIT 1)";
  if (plan_.is_partitioned) return " WHERE (tableoid, ctid) = (SELECT tableoid, ctid" + from;
  return " WHERE ctid = (SELECT ctid" + from;
}

std::string Spelling::insert() {
  std::string columns, values;
  for (std::size_t at = 0; at < plan_.columns.size(); ++at) {
    if (!form_.column(at).is_written) continue;
    append(columns, ", ", plan_.columns[at].name);
    append(values, ", ", parameter(false, at));
  }
  if (columns.empty()) return "INSERT INTO " + plan_.into + " DEFAULT VALUES";
  return "INSERT INTO " + plan_.into + " (" + columns + ") OVERRIDING SYSTEM VALUE VALUES (" + values + ")";
}

std::string Spelling::update() {
  std::string sets;
  for (std::size_t at = 0; at < plan_.columns.size(); ++at) {
    if (form_.column(at).is_written) append(sets, ", ", plan_.columns[at].name + " = " + parameter(false, at));
  }
  return "UPDATE " + plan_.target + " SET " + sets + where();
}

std::string Spelling::replace() {
  std::string columns, values;
  for (std::size_t at = 0; at < plan_.columns.size(); ++at) {
    if (!plan_.columns[at].is_written) continue;
    append(columns, ", ", plan_.columns[at].name);
    append(values, ", ", form_.column(at).is_written ? parameter(false, at) : "gone." + plan_.columns[at].name);
  }
  for (const std::string& other : plan_.others) {
    append(columns, ", ", other);
    append(values, ", ", "gone." + other);
  }
  return "WITH gone AS (DELETE FROM " + plan_.target + where() + " RETURNING " + columns + ") INSERT INTO " +
         plan_.into + " (" + columns + ") OVERRIDING SYSTEM VALUE SELECT " + values + " FROM gone";
}

RowStatement Spelling::spell() {
  switch (form_.kind()) {
    case RowForm::Kind::insert:
      statement_.sql = insert();
      break;
    case RowForm::Kind::update:
      statement_.sql = update();
      break;
    case RowForm::Kind::replace:
      statement_.sql = replace();
      break;
    case RowForm::Kind::look:
      statement_.sql = "SELECT FROM " + plan_.target + where();
      break;
    case RowForm::Kind::remove:
      statement_.sql = "DELETE FROM " + plan_.target + where();
      break;
  }
  return std::move(statement_);
}

}  // namespace

RowForm::Column RowForm::column(std::size_t at) const {
  const char bits = key_[at + 2];
  return {(bits & written) != 0, (bits & matched) != 0, (bits & matched_null) != 0};
}

Result<void> RowForm::take(const TablePlan& plan, const Event& event) {
  key_.assign(plan.columns.size() + 2, no_column);
  key_[1] = event.old_row.empty() ? 'n' : 'o';
  switch (event.kind) {
    case Event::Kind::insert:
      key_[0] = static_cast<char>(Kind::insert);
      for (std::size_t at = 0; at < plan.columns.size(); ++at) {
        if (event.new_row[at].kind == Value::Kind::unchanged)
          return Error{Fault::differs, "an insert does not tell the value of column " + plan.columns[at].name};
        if (plan.columns[at].is_written) key_[at + 2] = no_column | written;
      }
      return {};
    case Event::Kind::update:
      take_values(plan, event);
      return take_match(plan, event);
    case Event::Kind::remove:
      key_[0] = static_cast<char>(Kind::remove);
      return take_match(plan, event);
    default:
      return Error{Fault::failed, "an event is no change of a row"};
  }
}

Result<void> RowForm::take_match(const TablePlan& plan, const Event& event) {
  const char* const change = event.kind == Event::Kind::remove ? "a delete" : "an update";
  const bool whole = plan.identity == Identity::whole_row;
  const model::Row row = event.old_row.empty() ? event.new_row : event.old_row;
  bool any = false;
  bool known = !whole || event.old_is_whole;
  for (std::size_t at = 0; at < plan.columns.size(); ++at) {
    const PlannedColumn& column = plan.columns[at];
    if (whole ? !column.is_written : !column.identifies) continue;
    any = true;
    known = known && row[at].kind != Value::Kind::unchanged;
    key_[at + 2] = static_cast<char>(key_[at + 2] | (row[at].kind == Value::Kind::null ? matched_null : matched));
  }
  if (any && known) return {};
  return Error{Fault::differs, std::string(change) + " does not tell which row it is about"};
}

void RowForm::take_values(const TablePlan& plan, const Event& event) {
  bool any = false;
  bool overrides = false;
  for (std::size_t at = 0; at < plan.columns.size(); ++at) {
    if (!plan.columns[at].is_written || is_as_it_was(plan, event, at)) continue;
    key_[at + 2] = no_column | written;
    any = true;
    overrides = overrides || plan.columns[at].is_identity_always;
  }
  key_[0] = static_cast<char>(overrides ? Kind::replace : any ? Kind::update : Kind::look);
}

RowStatement row_statement(const TablePlan& plan, const RowForm& form) {
  return Spelling(plan, form).spell();
}

std::string truncate_sql(const std::vector<const TablePlan*>& tables, bool restart_identity) {
  std::string names;
  for (const TablePlan* table : tables) append(names, ", ", table->target);
  return "TRUNCATE " + names + (restart_identity ? " RESTART IDENTITY" : " CONTINUE IDENTITY") + " RESTRICT";
}

std::string empty_sql(const TablePlan& table) {
  return "DELETE FROM " + table.target;
}

}  // namespace tributary::postgres::apply
