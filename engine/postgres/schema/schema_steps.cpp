#include "engine/postgres/schema/schema_steps.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <set>

#include "engine/base/counted.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/roles/role_gaps.h"
#include "engine/postgres/schema/foreign_keys.h"
#include "engine/postgres/schema/statements.h"
#include "engine/postgres/schema/toc_names.h"
#include "engine/postgres/schema/undo.h"

namespace tributary::postgres {
namespace {

using pipeline::SchemaStep;
using pipeline::Stage;

// A key's index is worth a statement of its own when others can be built at the same time for longer than the two
// statements take: from 64 MiB of heap on.
constexpr std::uint64_t large_table_pages = 8192;

// The passes after the data, in order.
enum class Pass { objects, grants, refresh, event_triggers };

bool is_grant(const TocEntry& entry) {
  return entry.type == "ACL" || entry.type == "DEFAULT ACL";
}

bool is_remark(const TocEntry& entry) {
  return entry.type == "COMMENT" || entry.type == "SECURITY LABEL";
}

// Objects of a table that are built from its rows or checked against them.
bool is_built_from_rows(const TocEntry& entry) {
  static const std::set<std::string> types = {"INDEX", "INDEX ATTACH", "CONSTRAINT", "CHECK CONSTRAINT", "STATISTICS"};
  return types.contains(entry.type);
}

// Whether an entry adds to an object without being one. Others that name it, as a default names a sequence, are no such
// object.
bool changes(const TocEntry& entry, const TocEntry& object) {
  const auto is = [&](std::string_view type) { return object.type == type; };
  const bool same_name = object.schema == entry.schema && object.tag == entry.tag;
  // Tags "table column" and "view rule".
  const bool part_of = object.schema == entry.schema && entry.tag.starts_with(object.tag + " ");
  if (entry.type == "ACL" || is_remark(entry)) return !is_grant(object) && !is_remark(object);
  if (entry.type == "DEFAULT") return part_of && (is("TABLE") || is("FOREIGN TABLE") || is("VIEW"));
  if (entry.type == "SEQUENCE OWNED BY") return is("SEQUENCE") && same_name;
  if (entry.type == "SEQUENCE") return is("TABLE") && entry.sql.starts_with("ALTER TABLE ");  // of an identity column
  if (entry.type == "TABLE ATTACH" || entry.type == "ROW SECURITY") return is("TABLE") && same_name;
  if (entry.type == "MATERIALIZED VIEW DATA") return is("MATERIALIZED VIEW") && same_name;
  return entry.type == "RULE" && is("VIEW") && part_of &&
         entry.sql.find("CREATE OR REPLACE VIEW ") != std::string::npos;
}

// Every database has it, and a dump creates it nowhere.
bool is_of_schema_public(const TocEntry& entry) {
  if (entry.type == "SCHEMA") return entry.tag == "public";
  return (entry.type == "ACL" || is_remark(entry)) &&
         (entry.tag == "SCHEMA public" || entry.tag == "SCHEMA \"public\"");
}

class Builder {
 public:
  Builder(const Toc& toc, const std::vector<bool>& kept, const SchemaFacts& facts, const SelectsTable& selects,
          const TargetTraits& target, std::vector<api::Finding>& findings)
      : dumped_by_(std::atoi(toc.tool_version.c_str())),
        entries_(toc.entries),
        kept_(kept),
        facts_(facts),
        selects_(selects),
        target_(target),
        findings_(findings) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (kept_[i]) position_[entries_[i].id] = i;
    }
    std::set_difference(facts.roles.begin(), facts.roles.end(), target.roles.begin(), target.roles.end(),
                        std::inserter(missing_roles_, missing_roles_.end()));
  }

  pipeline::Schema build() {
    decide_stages();
    pipeline::Schema schema;
    schema.settings = settings();
    if (dumped_by_ >= 15 && target_.major() < 15) steps_.push_back(close_schema_public());
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (kept_[i] && stage_[i] != Stage::after_data) add(i);
    }
    for (const Pass pass : {Pass::objects, Pass::grants, Pass::refresh, Pass::event_triggers}) {
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (kept_[i] && stage_[i] == Stage::after_data && pass_of(i) == pass) add(i);
      }
    }
    schema.steps = std::move(steps_);
    report_names();
    return schema;
  }

 private:
  // What a dump's script would set first.
  std::vector<std::string> settings() const {
    std::string standard_strings = "on";
    for (const TocEntry& entry : entries_) {
      if (entry.type == "STDSTRINGS" && entry.sql.find("'off'") != std::string::npos) standard_strings = "off";
    }
    return {"search_path = pg_catalog",
            "check_function_bodies = false",
            "xmloption = content",
            "standard_conforming_strings = " + standard_strings,
            "default_table_access_method = heap",
            "default_tablespace = ''"};
  }

  // From 15 on, pg_dump tells of schema public what differs from a new database of 15, in which not everybody may
  // create there; before, everybody may (getNamespaces in src/bin/pg_dump/pg_dump.c).
  static SchemaStep close_schema_public() {
    SchemaStep step;
    step.kind = "ACL";
    step.object = "grants on schema public";
    step.sql = "REVOKE CREATE ON SCHEMA \"public\" FROM PUBLIC";
    step.optional = true;
    step.changes = pipeline::no_step;
    return step;
  }

  bool belongs_to(std::size_t i, const std::string& type) const {
    return std::any_of(entries_[i].depends.begin(), entries_[i].depends.end(), [&](int id) {
      const auto found = position_.find(id);
      return found != position_.end() && entries_[found->second].type == type;
    });
  }

  Stage own_stage(std::size_t i) const {
    const TocEntry& entry = entries_[i];
    // Whoever gets an object later may need the right to create in its schema.
    if (entry.type == "ACL" && belongs_to(i, "SCHEMA")) return Stage::before_data;
    if (is_grant(entry) || is_remark(entry)) return Stage::after_data;
    if (entry.type == "EVENT TRIGGER") return Stage::after_data;
    if (entry.section != Section::post_data) return Stage::before_data;
    // A domain's constraint that is not valid: rows of any table may break it.
    const bool of_table = facts_.table_of.contains({entry.catalog, entry.object});
    if (entry.type == "CHECK CONSTRAINT" && !of_table) return Stage::after_data;
    if (is_built_from_rows(entry)) return Stage::with_table;
    return entry.type == "FK CONSTRAINT" ? Stage::foreign_key : Stage::after_data;
  }

  // An entry never runs before what it depends on: an index on a materialized view that itself had to wait for a
  // primary key goes to the end with it.
  void decide_stages() {
    stage_.resize(entries_.size(), Stage::before_data);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!kept_[i]) continue;
      stage_[i] = own_stage(i);
      for (const int id : entries_[i].depends) {
        const auto found = position_.find(id);
        if (found != position_.end() && found->second < i) stage_[i] = std::max(stage_[i], stage_[found->second]);
      }
    }
  }

  Pass pass_of(std::size_t i) const {
    const TocEntry& entry = entries_[i];
    if (is_grant(entry)) return Pass::grants;
    if (entry.type == "MATERIALIZED VIEW DATA") return Pass::refresh;
    if (entry.type == "EVENT TRIGGER" || (is_remark(entry) && belongs_to(i, "EVENT TRIGGER"))) {
      return Pass::event_triggers;
    }
    return Pass::objects;
  }

  void add(std::size_t i) {
    const TocEntry& entry = entries_[i];
    note_tablespace(entry);
    if (entry.type == "FK CONSTRAINT" && add_foreign_key(entry)) return;
    if (entry.type == "CONSTRAINT" && (add_exclusion(entry) || add_key_in_two(entry))) return;
    if (entry.type == "INDEX ATTACH" && attaches_exclusion(entry)) return;
    if (is_grant(entry)) {
      add_grants(i);
    } else if (!split_statements(entry.sql).empty()) {
      add_entry(i);
    }
    add_owner(entry);
  }

  SchemaStep step_of(const TocEntry& entry) const {
    SchemaStep step;
    step.stage = stage_[position_.at(entry.id)];
    step.kind = entry.type;
    step.object = describe(entry);
    step.sql = entry.sql;
    // Indexes and constraints go with their table.
    if (step.stage != Stage::with_table) step.undo = undo_of(entry);
    step.undo_query = undo_query_of(entry);
    step.may_exist = entry.type == "SCHEMA";  // one is like another
    step.changes = changed_by(entry);
    return step;
  }

  // The step that makes the object of an entry.
  std::optional<std::size_t> maker_of(int id) const {
    const auto found = step_of_entry_.find(id);
    return found == step_of_entry_.end() ? std::nullopt : std::optional(found->second);
  }

  // The step that makes what an entry only changes.
  std::optional<std::size_t> changed_by(const TocEntry& entry) const {
    if (is_of_schema_public(entry)) return pipeline::no_step;
    for (const int id : entry.depends) {
      const auto found = position_.find(id);
      if (found != position_.end() && changes(entry, entries_[found->second])) return maker_of(id);
    }
    return std::nullopt;
  }

  void add_entry(std::size_t i) {
    const TocEntry& entry = entries_[i];
    SchemaStep step = step_of(entry);
    if (entry.type == "EXTENSION") step.sql = pin_version(entry);
    if (!entry.access_method.empty()) step.sql = with_access_method(entry);
    if (entry.type == "MATERIALIZED VIEW DATA") step.sql += "\nANALYZE " + quote_name({entry.schema, entry.tag}) + ";";
    step.optional = is_optional(i);
    if (step.stage == Stage::with_table) {
      step.table = table_with_rows(entry);
      step.after = waits_for(i);
    }
    push(entry, std::move(step));
  }

  void push(const TocEntry& entry, SchemaStep step) {
    steps_.push_back(std::move(step));
    step_of_entry_[entry.id] = steps_.size() - 1;
    if (entry.type == "INDEX ATTACH") last_attach_ = steps_.size() - 1;
  }

  // The table whose rows an index or constraint is built from; nothing for those without rows of their own.
  std::optional<model::Name> table_with_rows(const TocEntry& entry) const {
    const auto table = facts_.table_of.find({entry.catalog, entry.object});
    if (table == facts_.table_of.end()) return std::nullopt;
    const auto relation = facts_.relations.find(table->second);
    if (relation == facts_.relations.end() || relation->second.kind != 'r') return std::nullopt;
    if (!selects_(relation->second.name)) return std::nullopt;
    return relation->second.name;
  }

  std::vector<std::size_t> waits_for(std::size_t i) const {
    std::set<std::size_t> after;
    for (const int id : entries_[i].depends) {
      const auto found = step_of_entry_.find(id);
      if (found != step_of_entry_.end() && steps_[found->second].stage == Stage::with_table)
        after.insert(found->second);
    }
    // Attaching locks the index above; one after another they cannot lock each other out.
    if (entries_[i].type == "INDEX ATTACH" && last_attach_) after.insert(*last_attach_);
    return {after.begin(), after.end()};
  }

  bool is_optional(std::size_t i) const {
    const TocEntry& entry = entries_[i];
    if (entry.type == "COMMENT")
      return belongs_to(i, "EXTENSION") || entry.tag == "SCHEMA \"public\"" || !target_.superuser;
    if (entry.type == "SECURITY LABEL" || entry.type == "PROCEDURAL LANGUAGE") return true;
    if (entry.type == "MATERIALIZED VIEW DATA") return true;
    if (entry.type == "EVENT TRIGGER") return !target_.superuser;
    return (entry.type == "USER MAPPING" || entry.type == "POLICY") && !missing_roles_.empty();
  }

  std::string pin_version(const TocEntry& entry) {
    const auto version = facts_.extensions.find(entry.tag);
    const auto offered = target_.extensions.find(entry.tag);
    const auto statements = split_statements(entry.sql);
    if (version == facts_.extensions.end() || offered == target_.extensions.end() || statements.size() != 1) {
      return entry.sql;
    }
    if (offered->second.contains(version->second)) {
      return statements.front() + " VERSION " + quote_literal(version->second);
    }
    findings_.push_back({api::Severity::warning, "ExtensionVersionDiffers", describe(entry),
                         "the target does not offer version " + version->second + " and gets its own default", ""});
    return entry.sql;
  }

  bool has_access_method(const std::string& name) const {
    if (target_.access_methods.contains(name)) return true;
    return std::any_of(entries_.begin(), entries_.end(), [&](const TocEntry& entry) {
      return entry.type == "ACCESS METHOD" && entry.tag == name && position_.contains(entry.id);
    });
  }

  std::string with_access_method(const TocEntry& entry) {
    if (entry.access_method == "heap") return entry.sql;
    if (!has_access_method(entry.access_method)) {
      findings_.push_back({api::Severity::warning, "AccessMethodReplaced", describe(entry),
                           "the target has no access method " + entry.access_method + ", so heap is used", ""});
      return entry.sql;
    }
    const std::string method = quote_identifier(entry.access_method);
    if (entry.relation_kind != 'p') {
      return "SET default_table_access_method = " + method + ";\n" + entry.sql +
             "\nSET default_table_access_method = heap;";
    }
    if (target_.major() < 17) return entry.sql;  // it says what future partitions get, which older ones cannot
    return entry.sql + "\nALTER TABLE " + quote_name({entry.schema, entry.tag}) + " SET ACCESS METHOD " + method + ";";
  }

  bool add_foreign_key(const TocEntry& entry) {
    const auto key = facts_.foreign_keys.find(entry.object);
    if (key == facts_.foreign_keys.end()) return false;
    const std::size_t base = steps_.size();
    for (SchemaStep& step : foreign_key_steps(key->second, facts_, target_)) {
      for (std::size_t& position : step.after) position += base;
      for (const int id : entry.depends) {
        const auto found = step_of_entry_.find(id);
        if (found != step_of_entry_.end() && steps_[found->second].stage == Stage::foreign_key) {
          step.after.push_back(found->second);
        }
      }
      steps_.push_back(std::move(step));
    }
    return true;
  }

  // The server cannot attach an index with exclusion operators to one above it (CompareIndexInfo in
  // src/backend/catalog/index.c), so what pg_dump writes for such a constraint of a partitioned table fails. Added to
  // the topmost table when all partitions have their rows, it makes those of the partitions itself.
  bool add_exclusion(const TocEntry& entry) {
    const auto exclusion = facts_.partitioned_exclusions.find(entry.object);
    if (exclusion == facts_.partitioned_exclusions.end()) return false;
    if (exclusion->second.parent != 0) return true;
    const auto& table = facts_.relations.at(facts_.table_of.at({entry.catalog, entry.object}));
    SchemaStep step = step_of(entry);
    step.stage = Stage::foreign_key;
    step.sql = "ALTER TABLE " + quote_name(table.name) + " ADD CONSTRAINT " + quote_identifier(exclusion->second.name) +
               " " + exclusion->second.definition;
    push(entry, std::move(step));
    return true;
  }

  bool attaches_exclusion(const TocEntry& entry) const {
    return std::any_of(entry.depends.begin(), entry.depends.end(), [&](int id) {
      const auto found = position_.find(id);
      return found != position_.end() && entries_[found->second].type == "CONSTRAINT" &&
             facts_.partitioned_exclusions.contains(entries_[found->second].object);
    });
  }

  // ADD CONSTRAINT locks its table against all other builds for as long as it builds; CREATE UNIQUE INDEX does not,
  // and the constraint then takes the index over at once.
  bool add_key_in_two(const TocEntry& entry) {
    const auto key = facts_.key_indexes.find(entry.object);
    const auto table = table_with_rows(entry);
    if (key == facts_.key_indexes.end() || !table || key->second.indexes_of_table < 2) return false;
    const auto& relation = facts_.relations.at(facts_.table_of.at({entry.catalog, entry.object}));
    if (relation.pages < large_table_pages) return false;
    const auto statements = split_statements(entry.sql);
    if (statements.empty()) return false;

    SchemaStep index = step_of(entry);
    index.kind = "INDEX";
    index.sql = key->second.definition;
    index.table = table;
    index.after = waits_for(position_.at(entry.id));
    steps_.push_back(std::move(index));
    SchemaStep constraint = step_of(entry);
    constraint.sql = "ALTER TABLE ONLY " + quote_name(*table) + " ADD CONSTRAINT " +
                     quote_identifier(key->second.name) + " " + key->second.constraint;
    for (std::size_t i = 1; i < statements.size(); ++i) constraint.sql += ";\n" + statements[i];
    constraint.table = table;
    constraint.after = {steps_.size() - 1};
    push(entry, std::move(constraint));
    return true;
  }

  void add_owner(const TocEntry& entry) {
    const auto object = ownable(entry);
    if (!object) return;
    if (!target_.assumable.contains(entry.owner)) {
      ++gaps_.owners[entry.owner];
      return;
    }
    if (entry.owner == target_.user && entry.type != "SCHEMA") return;  // it is by its creation
    SchemaStep step = step_of(entry);
    step.kind = "OWNER";
    step.object = "owner of " + step.object;
    step.sql = "ALTER " + *object + " OWNER TO " + quote_identifier(entry.owner);
    step.optional = !target_.superuser;
    step.undo.clear();
    step.may_exist = false;
    if (!step.changes) step.changes = maker_of(entry.id);
    if (step.stage == Stage::with_table) {
      step.table = table_with_rows(entry);
      step.after = {step_of_entry_.at(entry.id)};
    }
    steps_.push_back(std::move(step));
  }

  // The role that a statement about grants cannot do without and that the target lacks. The dump quotes every name.
  std::optional<std::string> missing_role(std::string_view sql) const {
    static constexpr std::string_view option = " WITH GRANT OPTION";
    const std::string_view end = sql.ends_with(option) ? sql.substr(0, sql.size() - option.size()) : sql;
    for (const std::string& role : missing_roles_) {
      const std::string name = quote_identifier(role);
      if (end.ends_with(" TO " + name) || end.ends_with(" FROM " + name) ||
          sql.starts_with("ALTER DEFAULT PRIVILEGES FOR ROLE " + name + " ") ||
          sql.starts_with("SET SESSION AUTHORIZATION " + name + ";")) {
        return role;
      }
    }
    return std::nullopt;
  }

  // With all roles there and all rights, an entry is one step; otherwise each statement stands for itself, so that
  // one missing role costs only its own grants.
  void add_grants(std::size_t i) {
    const TocEntry& entry = entries_[i];
    SchemaStep step = step_of(entry);
    if (missing_roles_.empty() && target_.superuser) {
      steps_.push_back(std::move(step));
      return;
    }
    step.optional = true;
    std::string session;
    for (const std::string& statement : split_statements(entry.sql)) {
      // A grant by another grantor: SET SESSION AUTHORIZATION holds for what follows, up to its RESET.
      if (statement.starts_with("SET SESSION AUTHORIZATION")) session = statement + ";\n";
      if (statement.starts_with("RESET SESSION AUTHORIZATION")) session.clear();
      if (statement.find("SESSION AUTHORIZATION") == statement.find(' ') + 1) continue;
      if (const auto missing = missing_role(session + statement)) {
        ++gaps_.grants[*missing];
        continue;
      }
      step.sql = session.empty() ? statement : session + statement + ";\nRESET SESSION AUTHORIZATION";
      steps_.push_back(step);
    }
  }

  void note_tablespace(const TocEntry& entry) {
    if (!entry.tablespace.empty()) ++tablespaces_[entry.tablespace];
  }

  void report_names() {
    for (const auto& [name, count] : tablespaces_) {
      findings_.push_back({api::Severity::warning, "TablespaceLeftOut", "tablespace " + name,
                           counted(static_cast<std::uint64_t>(count), "object") +
                               " without it, in the target database's own tablespace",
                           ""});
    }
    for (const auto& [role, count] : gaps_.grants) findings_.push_back(grants_left_out(role, count, ""));
    for (const auto& [owner, count] : gaps_.owners) findings_.push_back(owner_not_set(owner, count, "object", target_));
  }

  const int dumped_by_;  // pg_dump's major
  const std::vector<TocEntry>& entries_;
  const std::vector<bool>& kept_;
  const SchemaFacts& facts_;
  const SelectsTable& selects_;
  const TargetTraits& target_;
  std::vector<api::Finding>& findings_;
  std::map<int, std::size_t> position_;  // of kept entries, by id
  std::vector<Stage> stage_;             // by position
  std::vector<SchemaStep> steps_;
  std::map<int, std::size_t> step_of_entry_;
  std::optional<std::size_t> last_attach_;
  std::set<std::string> missing_roles_;
  std::map<std::string, std::uint64_t> tablespaces_;
  RoleGaps gaps_;
};

}  // namespace

pipeline::Schema schema_steps(const Toc& toc, const std::vector<bool>& kept, const SchemaFacts& facts,
                              const SelectsTable& selects, const TargetTraits& target,
                              std::vector<api::Finding>& findings) {
  return Builder(toc, kept, facts, selects, target, findings).build();
}

}  // namespace tributary::postgres
