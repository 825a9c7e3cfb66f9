#include "engine/pipeline/testing/world.h"

#include <sstream>

namespace tributary::pipeline::testing {
namespace {

SourceTable table(const std::string& name, std::uint64_t bytes, std::size_t rows) {
  SourceTable made;
  made.table.name = {"public", name};
  made.table.bytes = bytes;
  made.table.pages = (rows + rows_per_page - 1) / rows_per_page;
  for (std::size_t row = 0; row < rows; ++row) made.rows.push_back(name + std::string(row, '.'));
  return made;
}

SchemaStep step(Stage stage, const std::string& kind, const std::string& object, const std::string& table = {},
                std::vector<std::size_t> after = {}) {
  SchemaStep made;
  made.stage = stage;
  made.kind = kind;
  made.object = object;
  if (!table.empty()) made.table = model::Name{"public", table};
  made.after = std::move(after);
  if (stage == Stage::foreign_key) made.validate = "VALIDATE";
  return made;
}

}  // namespace

bool TargetDatabase::whole(const model::Name& table) const {
  const auto parts = tables.find(table);
  return parts != tables.end() && parts->second.of > 0 &&
         parts->second.done.size() == static_cast<std::size_t>(parts->second.of);
}

TableRecords TargetDatabase::records() const {
  TableRecords records;
  for (const auto& [name, parts] : tables) {
    TableRecord& record = records[name];
    record.done = whole(name);
    for (const auto& [number, count] : parts.done) {
      record.count.rows += count.rows;
      record.count.bytes += count.bytes;
    }
  }
  return records;
}

std::string TargetDatabase::contents() const {
  std::ostringstream text;
  for (const auto& [name, lines] : rows)
    for (const std::string& row : lines) text << "row of " << name.name << ": " << row << "\n";
  for (const auto& [name, record] : records())
    text << "ledger of " << name.name << ": " << record.count.rows << " rows, " << record.count.bytes << " bytes"
         << (record.done ? ", done" : "") << "\n";
  for (const std::string& object : steps) text << "step " << object << "\n";
  for (const std::string& object : validated) text << "validated " << object << "\n";
  for (const auto& [name, value] : sequences) text << "sequence " << name.name << " at " << value << "\n";
  for (const std::uint32_t object : objects) text << "large object " << object << "\n";
  for (const std::string& subject : analyzed) text << "statistics of " << subject << "\n";
  if (described) text << "settings of the database\n";
  if (complete) text << "complete at " << model::to_string(position) << "\n";
  return text.str();
}

std::string slot_name(int slot) {
  return "slot_" + std::to_string(slot);
}

SourceDatabase any_database() {
  constexpr std::uint64_t mib = 1U << 20;
  SourceDatabase shop;
  shop.tables = {table("empty", 0, 0), table("orders", 4096 * mib, 9), table("customers", 30 * mib, 3),
                 table("colours", 8192, 2), table("sizes", 8192, 1)};
  shop.schema.steps = {
      step(Stage::before_data, "TABLE", "all tables"),
      step(Stage::with_table, "CONSTRAINT", "key of orders", "orders"),
      step(Stage::with_table, "CONSTRAINT", "key of customers", "customers"),
      step(Stage::with_table, "INDEX", "index of orders", "orders"),
      step(Stage::with_table, "INDEX ATTACH", "index of all orders", "", {3}),
      step(Stage::with_table, "CONSTRAINT", "key of colours", "colours"),
      step(Stage::foreign_key, "FK CONSTRAINT", "customer of an order", "orders"),
      step(Stage::foreign_key, "FK CONSTRAINT", "customer of all orders", "", {6}),
      step(Stage::after_data, "TRIGGER", "trigger of orders", "orders"),
  };
  shop.sequences = {{{"public", "order_numbers"}, 42, true}};
  shop.objects = {16400, 16401};
  return shop;
}

void World::take_over(const std::string& database) {
  const std::lock_guard lock(mutex);
  TargetDatabase& taken = target[database];
  taken.owner = this;
  taken.superseded = true;
  ++taken.epoch;
  source[database].slot = ++slots;
}

Connected::Connected(World& world) : world_(world) {
  const std::lock_guard lock(world_.mutex);
  ++world_.connections;
}

Connected::~Connected() {
  const std::lock_guard lock(world_.mutex);
  --world_.connections;
}

}  // namespace tributary::pipeline::testing
