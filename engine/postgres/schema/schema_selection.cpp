#include "engine/postgres/schema/schema_selection.h"

#include <map>
#include <set>

#include "engine/postgres/replication/slot.h"
#include "engine/postgres/schema/toc_names.h"

namespace tributary::postgres {
namespace {

using Entries = std::vector<TocEntry>;

bool is_table(const TocEntry& entry) {
  return entry.catalog == catalog_oid::relation && (entry.type == "TABLE" || entry.type == "FOREIGN TABLE");
}

bool is_publication(const TocEntry& entry) {
  return entry.type.starts_with("PUBLICATION");
}

// Every database has it from the start, and only the owner of schema public may write it.
bool is_standard_comment(const TocEntry& entry) {
  return entry.type == "COMMENT" && entry.tag == "SCHEMA \"public\"" &&
         entry.sql.find("IS 'standard public schema';") != std::string::npos;
}

// Of the database itself, under its name on the source; pg_restore leaves it out in the same way (_tocEntryRequired in
// src/bin/pg_dump/pg_backup_archiver.c).
bool is_about_database(const TocEntry& entry) {
  return (entry.type == "ACL" || entry.type == "COMMENT" || entry.type == "SECURITY LABEL") &&
         entry.tag.starts_with("DATABASE ");
}

// What a dump says about itself and what has other ways: settings, the database, contents.
bool is_no_object(const TocEntry& entry) {
  static const std::set<std::string> types = {"ENCODING",     "STDSTRINGS",   "SEARCHPATH",      "DATABASE",
                                              "TABLE DATA",   "BLOB",         "BLOB METADATA",   "BLOBS",
                                              "SEQUENCE SET", "SUBSCRIPTION", "STATISTICS DATA", "DATABASE PROPERTIES"};
  return types.contains(entry.type) || is_publication(entry) || is_standard_comment(entry) || is_about_database(entry);
}

// Belongs to its table or object so closely that nobody asks where it went.
bool goes_silently(const TocEntry& entry) {
  static const std::set<std::string> types = {
      "COMMENT",    "ACL",      "SECURITY LABEL",    "INDEX",        "INDEX ATTACH",
      "STATISTICS", "SEQUENCE", "SEQUENCE OWNED BY", "ROW SECURITY", "CHECK CONSTRAINT"};
  return types.contains(entry.type);
}

class Choice {
 public:
  Choice(const Toc& toc, const SchemaFacts& facts, const SelectsTable& selects, const SelectsTable& has)
      : entries_(toc.entries), facts_(facts), selects_(selects), has_(has) {
    for (std::size_t i = 0; i < entries_.size(); ++i) position_[entries_[i].id] = i;
    selected_ = std::vector<bool>(entries_.size(), true);
    needed_ = std::vector<bool>(entries_.size(), false);
    kept_ = std::vector<bool>(entries_.size(), true);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (is_table(entries_[i])) selected_[i] = is_selected(entries_[i].object);
      if (entries_[i].type != "TABLE ATTACH") continue;
      for (const int partition : entries_[i].depends) {
        for (const int parent : entries_[i].depends) attachments_.insert({partition, parent});
      }
    }
  }

  std::vector<bool> decide() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (declares_selected(i) || declares_for_what_is_there(i)) need(i);
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (is_no_object(entries_[i]) || !(selected_[i] || needed_[i])) kept_[i] = false;
    }
    // Entries mostly stand after what they depend on, comments and grants always; a loop settles the rest.
    while (drop_dependants()) {
    }
    return kept_;
  }

  bool own_table_kept(std::size_t i) const {
    const auto table = table_of(entries_[i]);
    if (table == 0) return true;
    const auto found = table_entry_.find(table);
    return found == table_entry_.end() || kept_[found->second];
  }
  bool without_rows(std::size_t i) const { return kept_[i] && !selected_[i]; }

  void index_tables() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].catalog == catalog_oid::relation && facts_.relations.contains(entries_[i].object)) {
        table_entry_[entries_[i].object] = i;
      }
    }
  }

 private:
  bool is_selected(std::uint32_t relation) const {
    const auto found = facts_.relations.find(relation);
    if (found == facts_.relations.end()) return true;
    const char kind = found->second.kind;
    return (kind != 'r' && kind != 'p' && kind != 'f') || selects_(found->second.name);
  }

  std::uint32_t table_of(const TocEntry& entry) const {
    const auto found = facts_.table_of.find({entry.catalog, entry.object});
    return found == facts_.table_of.end() ? 0 : found->second;
  }

  // A selected table itself, or the default of one of its columns.
  bool declares_selected(std::size_t i) const {
    const TocEntry& entry = entries_[i];
    if (is_table(entry)) return selected_[i];
    if (entry.type != "DEFAULT") return false;
    const std::uint32_t table = table_of(entry);
    return table != 0 && is_selected(table);
  }

  bool declares_for_what_is_there(std::size_t i) const {
    const auto owned = facts_.owned_sequences.find(entries_[i].object);
    if (entries_[i].type != "SEQUENCE" || owned == facts_.owned_sequences.end() || owned->second.identity) return false;
    const auto table = facts_.relations.find(owned->second.table);
    return table != facts_.relations.end() && has_(table->second.name);
  }

  // A sequence can be declared without the table that owns it, unless it is that of an identity column.
  bool stands_alone(std::size_t i) const {
    if (entries_[i].type != "SEQUENCE") return false;
    const auto owner = facts_.owned_sequences.find(entries_[i].object);
    return owner == facts_.owned_sequences.end() || !owner->second.identity;
  }

  // What a declaration names but can do without: the owner of a sequence, and the table above a partition, which is
  // declared as a table of its own and attached afterwards.
  bool is_soft(std::size_t i, std::size_t dependency) const {
    if (!is_table(entries_[dependency])) return false;
    return stands_alone(i) || attachments_.contains({entries_[i].id, entries_[dependency].id});
  }

  void need(std::size_t first) {
    std::vector<std::size_t> open = {first};
    while (!open.empty()) {
      const std::size_t i = open.back();
      open.pop_back();
      if (needed_[i]) continue;
      needed_[i] = true;
      for (const int dependency : entries_[i].depends) {
        const auto found = position_.find(dependency);
        if (found == position_.end()) continue;
        if (!is_soft(i, found->second)) open.push_back(found->second);
      }
    }
  }

  bool drop_dependants() {
    bool changed = false;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!kept_[i] || !must_go(i)) continue;
      kept_[i] = false;
      changed = true;
    }
    return changed;
  }

  bool must_go(std::size_t i) const {
    const TocEntry& entry = entries_[i];
    if (entry.type == "FK CONSTRAINT") {
      const auto key = facts_.foreign_keys.find(entry.object);
      if (key != facts_.foreign_keys.end() &&
          !(is_selected(key->second.table) && is_selected(key->second.referenced))) {
        return true;
      }
    }
    if (needed_[i]) return false;
    for (const int dependency : entry.depends) {
      const auto found = position_.find(dependency);
      if (found == position_.end()) continue;
      if (!kept_[found->second] && !is_no_object(entries_[found->second])) return true;
      if (entry.type == "SEQUENCE OWNED BY" && owner_is_gone(entries_[found->second])) return true;
    }
    return false;
  }

  bool owner_is_gone(const TocEntry& sequence) const {
    const auto owner = facts_.owned_sequences.find(sequence.object);
    if (owner == facts_.owned_sequences.end()) return false;
    const auto table = table_entry_.find(owner->second.table);
    return table != table_entry_.end() && !kept_[table->second];
  }

  const Entries& entries_;
  const SchemaFacts& facts_;
  const SelectsTable& selects_;
  const SelectsTable& has_;
  std::map<int, std::size_t> position_;
  std::set<std::pair<int, int>> attachments_;  // ids of a partition and the table above it, either way round
  std::map<std::uint32_t, std::size_t> table_entry_;
  std::vector<bool> selected_;
  std::vector<bool> needed_;
  std::vector<bool> kept_;
};

api::Finding left_out(const TocEntry& entry) {
  if (is_publication(entry)) {
    return {api::Severity::warning, "PublicationLeftOut", describe(entry), "publications are not copied",
            "create it on the target if the target is to be a source itself"};
  }
  return {api::Severity::warning, "ObjectLeftOut", describe(entry), "it needs a table that is not selected",
          "select that table too, or create the object on the target by hand"};
}

}  // namespace

std::vector<bool> select_entries(const Toc& toc, const SchemaFacts& facts, const SelectsTable& selects,
                                 const SelectsTable& has, std::vector<api::Finding>& findings) {
  Choice choice(toc, facts, selects, has);
  choice.index_tables();
  std::vector<bool> kept = choice.decide();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const TocEntry& entry = toc.entries[i];
    if (entry.type == "PUBLICATION" && !is_stream_object_name(entry.tag)) findings.push_back(left_out(entry));
    if (choice.without_rows(i)) {
      findings.push_back({api::Severity::warning, "TableWithoutRows", describe(entry),
                          "a selected table cannot be declared without it, so it is created, without its rows",
                          "select it too if its rows are wanted"});
    }
    if (kept[i] || is_no_object(entry) || is_table(entry) || goes_silently(entry)) continue;
    if (choice.own_table_kept(i)) findings.push_back(left_out(entry));
  }
  return kept;
}

}  // namespace tributary::postgres
