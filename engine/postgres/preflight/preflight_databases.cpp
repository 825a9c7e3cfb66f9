#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/preflight/preflight_checks.h"

namespace tributary::postgres {
namespace {

using api::Severity;

constexpr std::size_t named_at_most = 5;

// Extensions that CREATE EXTENSION refuses without their library being preloaded, and those that do nothing then.
constexpr std::array<std::string_view, 4> preloaded_to_exist = {"citus", "pg_cron", "pgaudit", "timescaledb"};
constexpr std::array<std::string_view, 6> preloaded_to_work = {"pg_net",    "pg_squeeze",       "pg_stat_monitor",
                                                               "pglogical", "pg_wait_sampling", "pg_stat_statements"};

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "3 tables (public.a, public.b and 1 more)".
std::string counted_names(const std::vector<std::string>& names, const std::string& noun) {
  return counted(names.size(), noun) + " (" + join(names, named_at_most) + ")";
}

std::vector<std::string> tables_where(const PairFacts& pair, const std::function<bool(const CatalogTable&)>& holds) {
  std::vector<std::string> names;
  for (const CatalogTable& table : pair.source.tables) {
    if (holds(table)) names.push_back(display(table.table.name));
  }
  return names;
}

// What is known of a database that cannot be looked into is that.
bool report_failure(const PairFacts& pair, Findings& findings) {
  const auto report = [&](const Error& error, const char* lasting, const char* passing, const std::string& subject) {
    const char* code = error.fault == Fault::transient ? passing : lasting;
    add(findings, Severity::error, code, subject, error.what, error.hint);
  };
  if (pair.source.failure)
    report(*pair.source.failure, "SourceDatabaseUnreadable", "SourceDatabaseUnavailable",
           database_subject(pair.source_name));
  if (pair.target.failure)
    report(*pair.target.failure, "TargetDatabaseUnreadable", "TargetDatabaseUnavailable",
           "target database " + pair.target_name);
  return pair.source.failure.has_value();
}

void check_readable(const Facts& facts, Findings& findings) {
  for (const PairFacts& pair : facts.pairs) report_failure(pair, findings);
}

void check_select(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const std::string role = "role " + facts.source.role.name;
  const auto tables = tables_where(pair, [](const CatalogTable& table) { return !table.may_select; });
  if (!tables.empty()) {
    add(findings, Severity::error, "SelectDenied", database_subject(pair.source_name),
        role + " may not read " + counted_names(tables, "table"),
        "GRANT USAGE ON SCHEMA ... and GRANT SELECT ON ALL TABLES IN SCHEMA ... TO \"" + facts.source.role.name + "\"");
  }
  if (!pair.source.unlockable.empty() && takes_snapshot(facts.mode)) {
    add(findings, Severity::error, "SelectDenied", database_subject(pair.source_name),
        role + " may not lock " + counted_names(displayed(pair.source.unlockable), "table") +
            ": pg_dump locks every table of the database to read the schema, also those that are not selected",
        "GRANT USAGE ON SCHEMA ... and GRANT SELECT ON ... TO \"" + facts.source.role.name +
            "\", or on 14 and newer GRANT pg_read_all_data");
  }
  if (!pair.source.unreadable_sequences.empty()) {
    add(findings, Severity::error, "SequenceDenied", database_subject(pair.source_name),
        role + " may not read " + counted_names(displayed(pair.source.unreadable_sequences), "sequence") +
            (pair.whole ? "" : ": pg_dump reads every sequence of the database, also those that are not selected"),
        "GRANT SELECT ON ALL SEQUENCES IN SCHEMA ... TO \"" + facts.source.role.name + "\"");
  }
}

void check_row_security(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const auto tables = tables_where(pair, [](const CatalogTable& table) { return table.row_security; });
  if (tables.empty()) return;
  add(findings, Severity::error, "RowSecurityHidesRows", database_subject(pair.source_name),
      "row-level security would hide rows of " + counted_names(tables, "table") + " from role " +
          facts.source.role.name,
      "ALTER ROLE \"" + facts.source.role.name + "\" BYPASSRLS, or connect as the tables' owner");
}

void check_large_objects(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const SourceDatabase& source = pair.source;
  if (source.large_objects == 0 || !takes_snapshot(facts.mode)) return;
  const std::string count = counted(source.large_objects, "large object");
  const std::string are = source.large_objects == 1 ? " is" : " are";
  const std::string subject = database_subject(pair.source_name);
  const std::string leave_out = "leave them out (--no-large-objects)";
  if (!facts.options.large_objects) {
    add(findings, Severity::warning, "LargeObjectsLeftOut", subject, count + are + " not copied, as asked for");
  } else if (!takes_large_objects(facts.options, pair)) {
    add(findings, Severity::warning, "LargeObjectsLeftOut", subject,
        count + are + " not copied: no selected table has a column of type oid or lo, by which it could refer to them",
        "if one keeps their numbers in a column of another type, copy the whole database");
  } else if (source.unreadable_large_objects > 0) {
    add(findings, Severity::error, "LargeObjectsDenied", subject,
        "role " + facts.source.role.name + " may not read " + std::to_string(source.unreadable_large_objects) + " of " +
            count,
        "grant SELECT on them, connect as their owner, or " + leave_out);
  } else if (!pair.whole) {
    add(findings, Severity::warning, "LargeObjects", subject,
        "all of the database's large objects (" + std::to_string(source.large_objects) +
            ") are copied, since selected tables may refer to them: " +
            join(displayed(source.large_object_tables), named_at_most),
        leave_out + " if they do not");
  } else {
    add(findings, Severity::ok, "LargeObjects", subject, count + are + " copied; their changes are never streamed");
  }
}

void check_streamable(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const std::string subject = database_subject(pair.source_name);
  const bool asked = facts.mode != api::Mode::snapshot;
  const auto keyless =
      tables_where(pair, [](const CatalogTable& table) { return !table.has_usable_identity && !table.table.unlogged; });
  if (!keyless.empty()) {
    add(findings, asked ? Severity::warning : Severity::ok, "NoReplicaIdentity", subject,
        counted_names(keyless, "table") + " without a usable replica identity: updates and deletes cannot be streamed",
        "add a primary key, or ALTER TABLE ... REPLICA IDENTITY");
  }
  const auto unlogged = tables_where(pair, [](const CatalogTable& table) { return table.table.unlogged; });
  if (!unlogged.empty()) {
    add(findings, asked ? Severity::warning : Severity::ok, "UnloggedTables", subject,
        counted_names(unlogged, "unlogged table") + " can be copied, but their changes are never streamed");
  }
  const std::vector<model::Name>& firing = pair.source.firing;
  if (!firing.empty()) {
    add(findings, Severity::warning, "TriggersFire", subject,
        counted_names(displayed(firing), "table") +
            " with triggers or rules that are enabled as ALWAYS or REPLICA: copied with them, these fire on the target,"
            " too, and their table is not followed until they are disabled there",
        "after the snapshot, ALTER TABLE ... DISABLE TRIGGER (or RULE) on the target: what they do on the source comes "
        "by the stream");
  }
}

// A stream is opened from it only after the same review.
void check_publication(const Facts& facts, const PairFacts& pair, Findings& findings) {
  if (facts.publication.empty()) return;
  if (pair.source.publication) {
    for (api::Finding& each :
         review_publication(facts.publication, *pair.source.publication, pair.source.tables).findings) {
      each.subject += " of " + database_subject(pair.source_name);
      findings.push_back(std::move(each));
    }
    return;
  }
  add(findings, Severity::error, "PublicationMissing", database_subject(pair.source_name),
      "publication " + facts.publication + " does not exist on the source",
      "name none to have one made, or run " +
          publication_statement(facts.publication, plan_publication(pair.source.tables).published));
}

void check_foreign_tables(const Facts&, const PairFacts& pair, Findings& findings) {
  if (pair.source.foreign_tables == 0) return;
  add(findings, Severity::warning, "ForeignTables", database_subject(pair.source_name),
      counted(pair.source.foreign_tables, "foreign table") + ": the definition is copied, no rows are",
      "the target must reach their servers by itself");
}

void check_control_schema(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const std::vector<std::string>& objects = pair.source.control_objects;
  if (objects.empty() || !takes_snapshot(facts.mode)) return;
  add(findings, Severity::error, "ControlSchemaTaken", database_subject(pair.source_name),
      "schema _tributary, which is kept for the ledger and never copied, holds " + join(objects, named_at_most),
      "move these to another schema on the source, or ALTER SCHEMA _tributary RENAME TO ...");
}

// Rows that are written to a table above the leaves must find all of its leaves there, and on the target alone.
void check_partition_routes(const Facts& facts, const PairFacts& pair, Findings& findings) {
  if (!takes_snapshot(facts.mode)) return;
  const SourceDatabase& source = pair.source;
  const bool kept = pair.target.exists && !is_recreated(facts, pair);
  const bool same_encoding = !kept || pair.target.facts.encoding == source.facts.encoding;
  std::set<model::Name> routes;
  for (const CatalogTable& table : source.tables) {
    const auto route = route_of(table.partition_of, source.partition_choices, same_encoding);
    if (route) routes.insert(*route);
  }
  for (const model::Name& route : routes) {
    const std::string rows = "rows of " + display(route) + " may belong to other partitions on the target, and ";
    std::vector<std::string> left_out;
    for (const CatalogTable& table : source.unselected_partitions) {
      const std::vector<model::Name>& above = table.partition_of;
      if (std::find(above.begin(), above.end(), route) != above.end()) left_out.push_back(display(table.table.name));
    }
    if (!left_out.empty())
      add(findings, Severity::error, "PartitionsLeftOut", database_subject(pair.source_name),
          rows + counted_names(left_out, "partition") + (left_out.size() == 1 ? " is" : " are") + " not selected",
          "select all of " + display(route) + ", or none of it");
    if (source.above_foreign.contains(route))
      add(findings, Severity::error, "ForeignPartition", database_subject(pair.source_name),
          rows + "some of these are foreign tables, whose servers would be written to",
          "detach them on the source for the copy, or exclude " + display(route));
  }
}

void check_source_collation(const Facts&, const PairFacts& pair, Findings& findings) {
  const Database& database = pair.source.facts;
  if (database.collation_version.empty() || database.actual_collation_version.empty() ||
      database.collation_version == database.actual_collation_version) {
    return;
  }
  add(findings, Severity::warning, "CollationVersionMismatch", database_subject(pair.source_name),
      "it was created with collation version " + database.collation_version + " and runs with " +
          database.actual_collation_version + ": indexes over text may be corrupt on the source, and so unique keys",
      "REINDEX there, then ALTER DATABASE ... REFRESH COLLATION VERSION");
}

// ------------------------------------------------------------------------------------------------ on the target

void check_encoding(const Facts& facts, const PairFacts& pair, Findings& findings) {
  if (!pair.target.exists || is_recreated(facts, pair)) return;
  const std::string& from = pair.source.facts.encoding;
  const std::string& to = pair.target.facts.encoding;
  if (from == to) return;
  const std::string subject = "target database " + pair.target_name;
  if (from == "SQL_ASCII") {
    add(findings, Severity::warning, "EncodingUnknown", subject,
        "the source knows no encoding, the target has " + to + ": bytes that are not valid there stop the copy",
        "use a target database with encoding SQL_ASCII, or clean the source");
  } else if (to == "UTF8") {
    add(findings, Severity::warning, "EncodingConverted", subject,
        "text is converted from " + from + " to UTF8: the same characters in other bytes");
  } else {
    add(findings, Severity::error, "EncodingDiffers", subject,
        "its encoding " + to + " cannot hold everything that the source's " + from + " can",
        "create it with encoding " + from + " or UTF8");
  }
}

std::string locale_text(const Database& database) {
  const char* provider = database.locale_provider == 'i' ? "icu" : database.locale_provider == 'b' ? "builtin" : "libc";
  const std::string& locale = database.locale.empty() ? database.collate : database.locale;
  return provider + (" " + locale) + (database.ctype == database.collate ? "" : " with ctype " + database.ctype);
}

// "en_US.UTF-8" and "en_US.utf8" are one.
std::string normalised(const std::string& locale) {
  std::string text;
  for (const char c : locale) {
    if (c != '-') text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

void check_collation(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const Database& from = pair.source.facts;
  const std::string subject = "target database " + pair.target_name;
  if (pair.target.exists && !is_recreated(facts, pair)) {
    const Database& to = pair.target.facts;
    if (normalised(locale_text(from)) == normalised(locale_text(to))) return;
    add(findings, Severity::warning, "CollationDiffers", subject,
        "its locale is " + locale_text(to) + ", the source's " + locale_text(from) +
            ": text sorts differently, and range partitions by text may not fit",
        "create it with the source's locale");
    return;
  }
  const auto known = [&](const std::string& locale) {
    return locale == "C" || locale == "POSIX" ||
           std::any_of(facts.target.locales.begin(), facts.target.locales.end(),
                       [&](const std::string& one) { return normalised(one) == normalised(locale); });
  };
  if (known(from.collate) && known(from.ctype)) return;
  add(findings, Severity::warning, "LocaleMissing", subject,
      "the target server does not list the source's locale " + locale_text(from) + ": creating it may fail",
      "install the locale there, or create the database beforehand");
}

bool is_preloaded(const std::string& libraries, const std::string& library) {
  std::string name;
  for (const char c : libraries + ",") {
    if (c == ',') {
      if (name.substr(name.rfind('/') + 1) == library) return true;
      name.clear();
    } else if (c != ' ' && c != '"') {
      name += c;
    }
  }
  return false;
}

void check_preload(const Facts& facts, const std::string& extension, const std::string& subject, Findings& findings) {
  const std::string& libraries = facts.target.server.shared_preload_libraries;
  const bool to_exist = contains(preloaded_to_exist, extension);
  if (!to_exist && !contains(preloaded_to_work, extension)) return;
  if (is_preloaded(libraries, extension)) return;
  const bool hidden = libraries.empty() && !facts.target.role.superuser;
  add(findings, to_exist && !hidden ? Severity::error : Severity::warning, "ExtensionNotPreloaded", subject,
      "extension " + extension + (hidden ? " must be preloaded, which the role may not look up" : " is not preloaded"),
      "add it to the target's shared_preload_libraries and restart");
}

void check_creatable(const Facts& facts, const PairFacts& pair, const Extension& extension, Findings& findings) {
  const std::string subject = "target database " + pair.target_name;
  const auto available = facts.target.extensions.find(extension.name);
  if (available == facts.target.extensions.end()) {
    // A selection of tables may not need it.
    add(findings, pair.whole ? Severity::error : Severity::warning, "ExtensionMissing", subject,
        "extension " + extension.name + " is not available on the target", "install its package there");
    return;
  }
  const auto version = available->second.versions.find(extension.version);
  if (version == available->second.versions.end()) {
    add(findings, Severity::warning, "ExtensionVersionDiffers", subject,
        "extension " + extension.name + " has version " + extension.version +
            " on the source, which the target lacks: " + available->second.default_version + " is used",
        "install the same version on the target");
  }
  const bool trusted = version != available->second.versions.end()
                           ? version->second
                           : std::any_of(available->second.versions.begin(), available->second.versions.end(),
                                         [](const auto& one) { return one.second; });
  if (!trusted && !is_administrator(facts.target.role)) {
    add(findings, pair.whole ? Severity::error : Severity::warning, "ExtensionDenied", subject,
        "role " + facts.target.role.name + " may not create extension " + extension.name,
        "have an administrator create it in the target database beforehand");
  }
  check_preload(facts, extension.name, subject, findings);
}

void check_extensions(const Facts& facts, const PairFacts& pair, Findings& findings) {
  const bool kept = pair.target.exists && !is_recreated(facts, pair);
  for (const Extension& extension : pair.source.extensions) {
    if (extension.name == "plpgsql") continue;
    const auto installed = std::find_if(pair.target.extensions.begin(), pair.target.extensions.end(),
                                        [&](const Extension& one) { return one.name == extension.name; });
    if (!kept || installed == pair.target.extensions.end()) {
      check_creatable(facts, pair, extension, findings);
    } else if (installed->version != extension.version) {
      add(findings, Severity::warning, "ExtensionVersionDiffers", "target database " + pair.target_name,
          "extension " + extension.name + " has version " + extension.version + " on the source and " +
              installed->version + " on the target",
          "ALTER EXTENSION ... UPDATE on the older side");
    }
  }
}

constexpr std::array<Check, 13> all_checks = {{
    {"databases readable", check_readable},
    {"control schema", each<check_control_schema>},
    {"select", each<check_select>},
    {"row security", each<check_row_security>},
    {"large objects", each<check_large_objects>},
    {"streamable", each<check_streamable>},
    {"publication", each<check_publication>},
    {"foreign tables", each<check_foreign_tables>},
    {"collation version", each<check_source_collation>},
    {"partition routes", each_on_target<check_partition_routes>},
    {"encoding", each_on_target<check_encoding>},
    {"collation", each_on_target<check_collation>},
    {"extensions", each_on_target<check_extensions>},
}};

}  // namespace

std::span<const Check> database_checks() {
  return all_checks;
}

}  // namespace tributary::postgres
