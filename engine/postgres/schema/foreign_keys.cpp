#include "engine/postgres/schema/foreign_keys.h"

#include <algorithm>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres {
namespace {

const Relation& relation(const SchemaFacts& facts, std::uint32_t id) {
  static const Relation unknown;
  const auto found = facts.relations.find(id);
  return found == facts.relations.end() ? unknown : found->second;
}

// A key looks at the rows of a partitioned table's partitions, but never at those of inheritance children.
std::string rows_of(const Relation& table) {
  return (table.kind == 'p' ? "" : "ONLY ") + quote_name(table.name);
}

pipeline::SchemaStep step_of(const ForeignKey& key, const SchemaFacts& facts) {
  const Relation& table = relation(facts, key.table);
  pipeline::SchemaStep step;
  step.stage = pipeline::Stage::foreign_key;
  step.kind = "FK CONSTRAINT";
  step.object = "foreign key " + key.name + " of " + model::display(table.name);
  if (table.kind == 'r') step.table = table.name;
  step.sql = "ALTER TABLE " + rows_of(table) + " ADD CONSTRAINT " + quote_identifier(key.name) + " " + key.definition;
  step.undo = "ALTER TABLE IF EXISTS " + rows_of(table) + " DROP CONSTRAINT IF EXISTS " + quote_identifier(key.name);
  step.orphans = key.enforced ? orphans_query(key, facts) : "";
  return step;
}

// Below 18, VALIDATE CONSTRAINT leaves what the server keeps for the partitions of a referenced table not valid, so
// such a key is validated by adding it anew; when that fails, the one that is not valid stays.
std::string validation(const ForeignKey& key, const SchemaFacts& facts, const TargetTraits& target,
                       const std::string& add) {
  const std::string table = "ALTER TABLE " + quote_name(relation(facts, key.table).name);
  const std::string name = quote_identifier(key.name);
  if (relation(facts, key.referenced).kind == 'p' && target.major() < 18) {
    return table + " DROP CONSTRAINT " + name + ";\n" + add;
  }
  return table + " VALIDATE CONSTRAINT " + name;
}

pipeline::SchemaStep not_valid_step(const ForeignKey& key, const SchemaFacts& facts, const TargetTraits& target) {
  pipeline::SchemaStep step = step_of(key, facts);
  if (!key.enforced) return step;
  if (key.valid) {
    step.validate = validation(key, facts, target, step.sql);
  } else {
    step.orphans.clear();
  }
  step.sql += " NOT VALID";
  return step;
}

// The keys of the partitions directly below the key's table. Those that the server keeps for the partitions of a
// referenced table have the same child, or another parent table, and come with their key.
std::vector<const ForeignKey*> keys_below(const ForeignKey& key, const SchemaFacts& facts) {
  std::vector<const ForeignKey*> below;
  for (const auto& [id, other] : facts.foreign_keys) {
    if (other.parent == key.id && other.table != key.table && other.referenced == key.referenced) {
      below.push_back(&other);
    }
  }
  return below;
}

// Leaves first. Answers the position of the key's own step.
std::size_t add_bottom_up(const ForeignKey& key, const SchemaFacts& facts, const TargetTraits& target,
                          std::vector<pipeline::SchemaStep>& steps) {
  if (relation(facts, key.table).kind != 'p') {
    steps.push_back(not_valid_step(key, facts, target));
    return steps.size() - 1;
  }
  std::vector<std::size_t> after;
  for (const ForeignKey* below : keys_below(key, facts)) after.push_back(add_bottom_up(*below, facts, target, steps));
  pipeline::SchemaStep step = step_of(key, facts);
  step.after = std::move(after);
  if (!key.valid && target.major() >= 18) step.sql += " NOT VALID";
  // One orphan in a leaf refuses the whole: the leaves' keys stay then, and this one is reported.
  step.optional = true;
  steps.push_back(std::move(step));
  return steps.size() - 1;
}

}  // namespace

std::string orphans_query(const ForeignKey& key, const SchemaFacts& facts) {
  if (key.temporal || key.match.empty()) return "";
  const std::string looked_at = key.match_full ? "NOT (" + key.all_null + ")" : key.all_set;
  return "SELECT count(*) FROM " + rows_of(relation(facts, key.table)) + " AS c WHERE " + looked_at +
         " AND NOT EXISTS (SELECT FROM " + rows_of(relation(facts, key.referenced)) + " AS p WHERE " + key.match + ")";
}

std::vector<pipeline::SchemaStep> foreign_key_steps(const ForeignKey& key, const SchemaFacts& facts,
                                                    const TargetTraits& target) {
  std::vector<pipeline::SchemaStep> steps;
  add_bottom_up(key, facts, target, steps);
  return steps;
}

}  // namespace tributary::postgres
