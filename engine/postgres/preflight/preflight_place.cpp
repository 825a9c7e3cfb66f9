#include <algorithm>
#include <array>

#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/ledger/course.h"
#include "engine/postgres/preflight/preflight_checks.h"

namespace tributary::postgres {
namespace {

using api::Severity;

constexpr std::size_t named_at_most = 5;

std::string subject_of(const PairFacts& pair) {
  return "target database " + pair.target_name;
}

// Of a list that was itself cut: how many more there are is not known.
std::string some(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), named_at_most);
  const std::string text = join({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown)}, named_at_most);
  return shown < names.size() ? text + " and others" : text;
}

Drop drop_of(const Facts& facts, const PairFacts& pair) {
  return to_drop(facts.options, pair.whole, pair.target.former);
}

// Whether anything is going to be written into a database that is there.
bool is_copied_into(const Facts& facts, const PairFacts& pair) {
  return pair.target.exists && takes_snapshot(facts.mode) &&
         course_of(facts.options, facts.replication, pair.target.former) == Course::copy;
}

void check_creation(const Facts& facts, const PairFacts& pair, Findings& findings) {
  if (pair.target.exists) return;
  const SessionRole& role = facts.target.role;
  if (!facts.options.create_database || !takes_snapshot(facts.mode)) {
    add(findings, Severity::error, "TargetDatabaseMissing", subject_of(pair),
        "it does not exist and is not to be created", "create it, or allow it (target.createDatabase)");
  } else if (!role.superuser && !role.create_database) {
    add(findings, Severity::error, "CreateDatabaseDenied", subject_of(pair),
        "it does not exist and role " + role.name + " may not create databases",
        "create it, or ALTER ROLE \"" + role.name + "\" CREATEDB");
  }
}

// What is put into a template comes with every database that is made of it. template0 lets nobody in to be looked into.
void check_template(const Facts& facts, Findings& findings) {
  if (facts.target.failure || !takes_snapshot(facts.mode)) return;
  for (const PairFacts& pair : facts.pairs) {
    const bool marked =
        std::any_of(facts.target.databases.begin(), facts.target.databases.end(),
                    [&](const Database& each) { return each.name == pair.target_name && each.is_template; });
    if (marked || pair.target_name == "template0" || pair.target_name == "template1")
      add(findings, Severity::error, "TargetIsTemplate", subject_of(pair),
          "it is a template: every database that is made of it would have what is copied into it",
          "name another target database");
  }
}

void check_rights(const Facts& facts, const PairFacts& pair, Findings& findings) {
  if (!pair.target.exists || facts.target.role.superuser || !takes_snapshot(facts.mode)) return;
  const std::string& role = facts.target.role.name;
  if (is_recreated(facts, pair)) {
    if (!pair.target.owned || !facts.target.role.create_database) {
      add(findings, Severity::error, "DropDatabaseDenied", subject_of(pair),
          "role " + role + " may not drop and create it again", "use its owner with CREATEDB, or append to it");
    }
    return;
  }
  if (!pair.target.may_create) {
    add(findings, Severity::error, "TargetCreateDenied", subject_of(pair),
        "role " + role + " may not create schemas in it",
        "GRANT CREATE ON DATABASE \"" + pair.target_name + "\" TO \"" + role + "\"");
  }
  std::set<std::string> closed;
  for (const CatalogTable& table : pair.source.tables) {
    if (pair.target.closed_schemas.contains(table.table.name.schema)) closed.insert(table.table.name.schema);
  }
  for (const std::string& schema : closed) {
    add(findings, Severity::error, "TargetSchemaDenied", subject_of(pair),
        "role " + role + " may not create tables in its schema " + schema,
        "GRANT CREATE ON SCHEMA \"" + schema + "\" TO \"" + role + "\"");
  }
}

// Somebody protected it; that the protection can be taken off by any session does not make it ours to take off.
void check_read_only(const Facts& facts, const PairFacts& pair, Findings& findings) {
  if (!pair.target.exists || pair.target.read_only_by.empty() || !facts.target.read_only_by.empty()) return;
  add(findings, Severity::error, "TargetReadOnly", subject_of(pair),
      "default_transaction_read_only is on in it, set for " + pair.target.read_only_by,
      "take that setting back (ALTER ... RESET default_transaction_read_only), or name another database");
}

void check_complete(const Facts& facts, const PairFacts& pair, Findings& findings) {
  if (!pair.target.exists || !takes_snapshot(facts.mode)) return;
  const TargetDatabase& target = pair.target;
  switch (course_of(facts.options, facts.replication, target.former)) {
    case Course::copy:
      return;
    case Course::done: {
      const std::string without = target.unrecorded.empty()
                                      ? ""
                                      : "; it does not hold " + counted(target.unrecorded.size(), "table") +
                                            " selected now (" + join(displayed(target.unrecorded), named_at_most) + ")";
      add(findings, Severity::warning, "AlreadyComplete", database_subject(pair.source_name),
          "this snapshot was completed at " + target.former->completed + " and is not repeated" + without,
          "give snapshot.requestID another value to copy again");
      return;
    }
    case Course::refused:
      findings.push_back(already_complete(pair.target_name, target.former->completed, pair.whole));
      return;
  }
}

void check_identity(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const std::optional<ReplicationRow>& former = pair.target.former;
  if (!pair.target.exists || !former || !takes_snapshot(facts.mode)) return;
  if (former->source.system == facts.source.server.system_identifier && former->source.database == pair.source_name)
    return;
  add(findings, Severity::error, "ReplicationOfAnotherSource", subject_of(pair),
      "this replication belongs to database " + former->source.database + " of another source",
      "give the replication back its source, or use a new target database");
}

void check_drop_database(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const TargetDatabase& target = pair.target;
  if (!is_copied_into(facts, pair) || drop_of(facts, pair) != Drop::database || target.objects.empty()) return;
  const std::string subject = subject_of(pair);
  std::vector<std::string> keys;
  for (const OtherReplication& other : target.others) keys.push_back(other.key);
  if (!keys.empty())
    add(findings, Severity::error, "OtherReplications", subject,
        "it cannot be dropped: it holds other replications: " + join(keys, named_at_most),
        "use another target database, or delete the rows of those that are given up from _tributary.replication in it");
  if (!target.drop_obstacles.empty())
    add(findings, Severity::error, "DropDatabaseBlocked", subject,
        "it cannot be dropped because of " + join(target.drop_obstacles, named_at_most), "remove these first");
  if (!target.sessions.empty())
    add(findings, Severity::error, "TargetInUse", subject,
        "it cannot be dropped while others use it: " + join(target.sessions, named_at_most), "end these sessions");
  const std::string size = target.facts.bytes ? ", " + bytes_text(*target.facts.bytes) : "";
  add(findings, Severity::warning, "TargetWillBeDropped", subject,
      "everything in it on " + facts.target.address + " will be dropped: " + counted(target.tables, "table") + size +
          " (" + some(target.objects) + ")");
}

void check_not_empty(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const TargetDatabase& target = pair.target;
  const bool fails = facts.options.on_target_not_empty == api::OnTargetNotEmpty::fail;
  if (!is_copied_into(facts, pair) || !fails || target.former) return;
  std::vector<std::string> found = target.objects;
  for (const OtherReplication& other : target.others)
    if (!other.complete) found.push_back("the unfinished copy of replication " + other.key);
  if (found.empty()) return;
  std::string message = "it is not empty: " + some(found);
  for (const OtherReplication& other : target.others) {
    if (other.source.system != facts.source.server.system_identifier || other.source.database != pair.source_name)
      continue;
    message += "; another selection of database " + pair.source_name + " was copied into it" +
               (other.complete ? " at " + other.completed : " in part");
    break;
  }
  add(findings, Severity::error, "TargetNotEmpty", subject_of(pair), message,
      "choose another database, append to it (--append), or have it replaced (--drop-existing); a copy that is "
      "given up goes with its row in _tributary.replication");
}

// They come with every object that the copy creates; whatever the source grants is granted beside them.
void check_default_privileges(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const std::vector<std::string>& acls = pair.target.default_acls;
  if (acls.empty() || !is_copied_into(facts, pair) || is_recreated(facts, pair)) return;
  add(findings, Severity::warning, "DefaultPrivileges", subject_of(pair),
      "what role " + facts.target.role.name +
          " creates there gets these privileges beside those of the source: " + join(acls, named_at_most),
      "ALTER DEFAULT PRIVILEGES ... REVOKE for the copy, where that is not meant");
}

// Of the tables of others those that the source has indexes of: "public.orders of role app".
std::vector<std::string> to_be_built_on(const PairFacts& pair) {
  std::vector<std::string> tables;
  for (const auto& [table, owner] : pair.target.rights.not_owned) {
    const auto is_its = [&name = table](const OwnedName& each) { return each.table == name; };
    if (std::any_of(pair.source.owned.begin(), pair.source.owned.end(), is_its))
      tables.push_back(display(table) + " of role " + owner);
  }
  return tables;
}

// Everything that a copy beside what is there would run into. A database that refuses as a whole is not looked at.
void check_beside(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const TargetDatabase& target = pair.target;
  const bool fails = facts.options.on_target_not_empty == api::OnTargetNotEmpty::fail;
  if (!is_copied_into(facts, pair) || is_recreated(facts, pair) || (fails && !target.former)) return;
  const auto report = [&](const std::vector<std::string>& names, const char* code, const std::string& message,
                          const std::string& hint) {
    if (!names.empty())
      add(findings, Severity::error, code, subject_of(pair), message + ": " + join(names, named_at_most), hint);
  };
  const std::string elsewhere = "rename or drop them, leave them out of the selection, or use another target database";
  report(target.names_taken, "NameTaken", "names of selected tables belong to something else", elsewhere);
  report(
      displayed(target.owned_taken), "NameTaken",
      "names of indexes or sequences of selected tables belong to something else, so that the tables would go without",
      elsewhere);
  report(target.rights.denied, "TargetTableDenied",
         "role " + facts.target.role.name + " may not copy rows into selected tables",
         "GRANT USAGE on their schema, SELECT, INSERT and TRUNCATE on them, or ALTER ROLE ... BYPASSRLS where "
         "row-level security "
         "applies");
  report(to_be_built_on(pair), "TargetTableNotOwned",
         "selected tables have indexes or keys on the source, which only an owner may build",
         "GRANT the owner's role to \"" + facts.target.role.name + "\", or have the tables dropped (--drop-existing)");
  report(displayed(target.filled), "TargetTableNotEmpty", "selected tables hold rows of others",
         "empty or rename them, leave them out of the selection, or have them dropped (--drop-existing)");
  report(target.misfits, "TargetTableDiffers", "rows of selected tables do not fit into what is there",
         "alter the tables, rename them, or have them dropped (--drop-existing)");
  report(target.fit.lost, "TargetTableDiffers", "columns of selected tables would stay empty",
         "have the columns computed on the target, too, or the tables dropped (--drop-existing)");
  if (!target.fit.converted.empty())
    add(findings, Severity::warning, "TargetTypesDiffer", subject_of(pair),
        "values may change in columns of another type: " + join(target.fit.converted, named_at_most),
        "alter the columns, or have the tables dropped (--drop-existing)");
  report(target.firing, "TargetTriggersFire", "rows of selected tables would be changed, or others made beside them",
         "disable these triggers on the target, or have the tables dropped (--drop-existing)");
  report(target.taken, "TableOfAnotherReplication", "selected tables belong to replications that are not complete",
         "let these end first, or if they are given up, delete their rows from _tributary.replication in the target");
  report(target.dependants, "DependentObjects", "tables cannot be dropped, because others depend on them",
         "drop these first");
  report(target.large_objects, "LargeObjectExists", "large objects of the source's OIDs are there already",
         "remove them, or leave large objects out (--no-large-objects)");
}

// A ledger that knows the replication promises that nothing else is there under its names.
void check_strangers(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const TargetDatabase& target = pair.target;
  const bool fails = facts.options.on_target_not_empty == api::OnTargetNotEmpty::fail;
  if (!is_copied_into(facts, pair) || !fails || !target.former) return;
  std::vector<model::Name> strangers;
  for (const model::Name& name : target.unrecorded) {
    if (std::find(target.existing.begin(), target.existing.end(), name) != target.existing.end() &&
        std::find(target.filled.begin(), target.filled.end(), name) == target.filled.end())
      strangers.push_back(name);
  }
  if (strangers.empty()) return;
  add(findings, Severity::error, "TargetNotEmpty", subject_of(pair),
      "it holds selected tables that this replication did not make: " + join(displayed(strangers), named_at_most),
      "drop or rename them, or append to them (--append)");
}

void check_drop_tables(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const TargetDatabase& target = pair.target;
  if (!is_copied_into(facts, pair) || drop_of(facts, pair) != Drop::tables || target.existing.empty()) return;
  add(findings, Severity::warning, "TargetWillBeDropped", subject_of(pair),
      counted(target.existing.size(), "table") + " of it on " + facts.target.address +
          " will be dropped: " + join(displayed(target.existing), named_at_most));
}

constexpr std::array<Check, 12> all_checks = {{
    {"template", check_template},
    {"creation", each_on_target<check_creation>},
    {"rights", each_on_target<check_rights>},
    {"read-only", each_on_target<check_read_only>},
    {"complete", each_on_target<check_complete>},
    {"identity", each_on_target<check_identity>},
    {"drop database", each_on_target<check_drop_database>},
    {"not empty", each_on_target<check_not_empty>},
    {"beside", each_on_target<check_beside>},
    {"default privileges", each_on_target<check_default_privileges>},
    {"strangers", each_on_target<check_strangers>},
    {"drop tables", each_on_target<check_drop_tables>},
}};

}  // namespace

std::span<const Check> place_checks() {
  return all_checks;
}

}  // namespace tributary::postgres
