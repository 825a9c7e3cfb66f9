#include "engine/postgres/apply/writers.h"

#include <algorithm>
#include <map>

#include "engine/postgres/apply/set_statement.h"

namespace tributary::postgres::apply {
namespace {

using model::Event;
using model::Row;
using model::Value;

// A set's parameters are built in memory, sent and read by the server as a whole.
constexpr std::size_t set_limit = std::size_t{2} * 1024 * 1024;

const char* name_of(RowForm::Kind kind) {
  switch (kind) {
    case RowForm::Kind::insert:
      return "an insert";
    case RowForm::Kind::update:
    case RowForm::Kind::replace:
    case RowForm::Kind::look:
      return "an update";
    case RowForm::Kind::remove:
      return "a delete";
  }
  std::abort();
}

std::optional<std::string_view> bytes_of(const Value& value) {
  return value.kind == Value::Kind::text ? std::optional(value.bytes) : std::nullopt;
}

std::vector<Net::Update> as_pairs(const std::vector<Row>& rows) {
  std::vector<Net::Update> pairs;
  pairs.reserve(rows.size());
  for (const Row row : rows) pairs.push_back({row, row});
  return pairs;
}

}  // namespace

Result<Prepared*> Preparer::prepare(Table& table, const std::string& key, Prepared statement, const std::string& sql,
                                    std::span<const std::uint32_t> types, const Until& until) {
  statement.name = "tributary_" + std::to_string(++made_);
  statement.subject.table = &table;
  Prepared& prepared = table.statements[key] = std::move(statement);
  ++size_;
  TRY(pipeline_->prepare(prepared.name, sql, types, &prepared.subject, until));
  return &prepared;
}

Result<void> RowWriter::write(Table& table, const Event& event, const Until& until) {
  TRY(form_.take(*table.plan, event));
  const auto known = table.statements.find(form_.key());
  const Prepared* const statement = known != table.statements.end() ? &known->second : TRY(prepare(table, until));
  parameters_.clear();
  for (const RowStatement::Source& source : statement->sources)
    parameters_.push_back({bytes_of((source.is_old ? event.old_row : event.new_row)[source.column])});
  return pipeline_->execute(statement->name, parameters_, 1, &statement->subject, until);
}

Result<Prepared*> RowWriter::prepare(Table& table, const Until& until) {
  RowStatement row = row_statement(*table.plan, form_);
  Prepared prepared;
  prepared.sources = std::move(row.sources);
  prepared.subject.what = name_of(form_.kind());
  return preparer_->prepare(table, form_.key(), std::move(prepared), row.sql, row.types, until);
}

// In this order no key is met that is still there, or not there yet.
Result<void> SetWriter::write(Table& table, const Net& net, const Until& until) {
  const TablePlan& plan = *table.plan;
  if (const std::vector<Row> removed = net.removed(); !removed.empty()) {
    const Prepared* const statement = TRY(find(
        table, "D", "a delete", [&] { return delete_set(plan); }, until));
    TRY(write_set(*statement, as_pairs(removed), until));
  }
  TRY(write_updates(table, net, until));
  if (const std::vector<Row> inserted = net.inserted(); !inserted.empty()) {
    const Prepared* const statement = TRY(find(
        table, "I", "an insert", [&] { return insert_set(plan); }, until));
    TRY(write_set(*statement, as_pairs(inserted), until));
  }
  return {};
}

// Those that tell the same columns together.
Result<void> SetWriter::write_updates(Table& table, const Net& net, const Until& until) {
  std::map<std::vector<bool>, std::vector<Net::Update>> by_told;
  std::vector<bool> told;
  for (const Net::Update& update : net.updated()) {
    told.assign(update.row.size(), true);
    for (std::size_t at = 0; at < update.row.size(); ++at) told[at] = update.row[at].kind != Value::Kind::unchanged;
    by_told[told].push_back(update);
  }
  for (const auto& [columns, updates] : by_told) {
    std::string key = "U";
    for (const bool is_told : columns) key += is_told ? 't' : 'f';
    const Prepared* const statement = TRY(find(
        table, key, "an update", [&, &is_told = columns] { return update_set(*table.plan, is_told); }, until));
    TRY(write_set(*statement, updates, until));
  }
  return {};
}

Result<Prepared*> SetWriter::find(Table& table, const std::string& key, const char* what,
                                  const std::function<SetStatement()>& make, const Until& until) {
  const auto known = table.statements.find(key);
  if (known != table.statements.end()) return &known->second;
  SetStatement set = make();
  Prepared prepared;
  prepared.columns = std::move(set.columns);
  prepared.subject.what = what;
  return preparer_->prepare(table, key, std::move(prepared), set.sql, {}, until);
}

Result<void> SetWriter::write_set(const Prepared& statement, std::span<const Net::Update> rows, const Until& until) {
  const TablePlan& plan = *statement.subject.table->plan;
  arrays_.resize(statement.columns.size());
  std::size_t size = 0;
  for (const Net::Update& row : rows) {
    for (std::size_t at = 0; at < statement.columns.size(); ++at) {
      const std::size_t column = statement.columns[at];
      const Value& value = (plan.columns[column].identifies ? row.key : row.row)[column];
      arrays_[at].add(bytes_of(value));
      size += value.bytes.size() + sizeof(std::uint32_t);
    }
    if (size < set_limit) continue;
    TRY(send(statement, until));
    size = 0;
  }
  return size == 0 ? Result<void>{} : send(statement, until);
}

Result<void> SetWriter::send(const Prepared& statement, const Until& until) {
  parameters_.clear();
  for (TextArray& array : arrays_) parameters_.push_back({array.bytes(), Parameter::Format::binary});
  const Result<void> sent =
      pipeline_->execute(statement.name, parameters_, arrays_.front().size(), &statement.subject, until);
  for (TextArray& array : arrays_) array.clear();
  return sent;
}

}  // namespace tributary::postgres::apply
