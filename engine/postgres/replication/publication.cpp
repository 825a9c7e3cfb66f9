#include "engine/postgres/replication/publication.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "engine/base/words.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/replication/slot_verdict.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t tables_at_once = 200;
constexpr const char* all_operations = "(publish = 'insert, update, delete, truncate')";

using Names = std::set<model::Name>;

std::string reason_against(const CatalogTable& table) {
  if (table.table.unlogged) return "it is unlogged: nothing of it is in the source's log";
  if (!table.extension.empty()) return "it belongs to extension " + table.extension + ", which keeps its rows";
  if (!table.has_usable_identity)
    return "it has no identity by which the source could publish updates and deletes: no primary key, one that "
           "is deferrable or holds a generated column, or REPLICA IDENTITY NOTHING";
  return "";
}

std::vector<std::string> missing_operations(const PublicationState& publication) {
  std::vector<std::string> missing;
  if (!publication.insert) missing.emplace_back("insert");
  if (!publication.update) missing.emplace_back("update");
  if (!publication.remove) missing.emplace_back("delete");
  if (!publication.truncate) missing.emplace_back("truncate");
  return missing;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& each : words) text += (text.empty() ? "" : ", ") + each;
  return text;
}

std::string only(std::span<const model::Name> tables) {
  std::string list;
  for (const model::Name& each : tables) list += (list.empty() ? "ONLY " : ", ONLY ") + quote_name(each);
  return list;
}

std::string to_publish_all(const std::string& name) {
  return "ALTER PUBLICATION " + quote_identifier(name) + " SET " + all_operations;
}

std::string to_publish_leaves(const std::string& name) {
  return "ALTER PUBLICATION " + quote_identifier(name) + " SET (publish_via_partition_root = false)";
}

std::string to_add(const std::string& name, const std::vector<model::Name>& tables) {
  return "ALTER PUBLICATION " + quote_identifier(name) + " ADD TABLE " + only(tables);
}

// A publication against the tables that it is to carry whole.
class Reviewer {
 public:
  Reviewer(const std::string& name, const PublicationState& publication)
      : name_(name),
        publication_(publication),
        published_(publication.tables.begin(), publication.tables.end()),
        filtered_(publication.filtered.begin(), publication.filtered.end()),
        missing_operations_(missing_operations(publication)) {}

  PublicationReview review(const std::vector<CatalogTable>& selected) &&;

 private:
  bool carries(const CatalogTable& table) const;
  std::vector<model::Name> filtered(const CatalogTable& table) const;
  // What it does not carry of a table that it lists; nothing where it carries it whole.
  std::optional<NotPublished> cut(const CatalogTable& table);
  void find(api::Severity severity, std::string code, std::string message, std::string hint);

  const std::string& name_;
  const PublicationState& publication_;
  const Names published_;
  const Names filtered_;
  const std::vector<std::string> missing_operations_;
  std::vector<std::string> with_filter_;
  std::vector<std::string> under_root_;
  PublicationReview review_;
};

bool Reviewer::carries(const CatalogTable& table) const {
  if (published_.count(table.table.name) != 0) return true;
  return publication_.via_root && std::any_of(table.partition_of.begin(), table.partition_of.end(),
                                              [&](const model::Name& above) { return published_.count(above) != 0; });
}

// It, and those above it.
std::vector<model::Name> Reviewer::filtered(const CatalogTable& table) const {
  std::vector<model::Name> all = table.partition_of;
  all.push_back(table.table.name);
  std::erase_if(all, [&](const model::Name& each) { return filtered_.count(each) == 0; });
  return all;
}

std::optional<NotPublished> Reviewer::cut(const CatalogTable& table) {
  NotPublished lack{table.table.name, "", ""};
  const auto add = [&](const std::string& what, const std::string& statement) {
    lack.reason += (lack.reason.empty() ? "publication " + name_ + " " : ", and ") + what;
    lack.remedy += (lack.remedy.empty() ? "" : "; ") + statement;
  };
  if (!missing_operations_.empty()) add("does not publish " + listed(missing_operations_), to_publish_all(name_));
  if (const auto filtered_here = filtered(table); !filtered_here.empty()) {
    with_filter_.push_back(model::display(table.table.name));
    add("has a row filter or a column list for it", "ALTER PUBLICATION " + quote_identifier(name_) + " DROP TABLE " +
                                                        only(filtered_here) + "; " + to_add(name_, filtered_here));
  }
  if (published_.count(table.table.name) == 0) {
    under_root_.push_back(model::display(table.table.name));
    add("publishes it as its root", to_publish_leaves(name_));
  }
  if (lack.reason.empty()) return {};
  return lack;
}

void Reviewer::find(api::Severity severity, std::string code, std::string message, std::string hint) {
  review_.findings.push_back({severity, std::move(code), "publication " + name_, std::move(message), std::move(hint)});
}

PublicationReview Reviewer::review(const std::vector<CatalogTable>& selected) && {
  std::vector<model::Name> absent;
  for (const CatalogTable& each : selected) {
    const model::Name& table = each.table.name;
    if (std::string reason = reason_against(each); !reason.empty()) {
      review_.plan.not_published.push_back({table, std::move(reason), ""});
    } else if (!carries(each)) {
      absent.push_back(table);
      review_.plan.not_published.push_back(
          {table, "publication " + name_ + " does not carry it", to_add(name_, {table})});
    } else if (std::optional<NotPublished> lack = cut(each)) {
      review_.plan.not_published.push_back(*std::move(lack));
    } else {
      review_.plan.published.push_back(table);
    }
  }
  if (!missing_operations_.empty())
    find(api::Severity::error, "PublicationOperations", "it does not publish " + listed(missing_operations_),
         to_publish_all(name_));
  if (!with_filter_.empty())
    find(api::Severity::error, "PublicationFilters", "it has a row filter or a column list for " + listed(with_filter_),
         "publish whole tables; the replication's own filters choose rows");
  if (!under_root_.empty())
    find(api::Severity::error, "PublicationViaRoot", "it publishes partitions as their root: " + listed(under_root_),
         to_publish_leaves(name_));
  if (!absent.empty())
    find(api::Severity::warning, "PublicationLacksTables",
         "it does not carry " + listed(model::displayed(absent)) + ": copied, and not followed", to_add(name_, absent));
  return std::move(review_);
}

// What the server says of a statement of ours. An event trigger that raises an exception does so again.
Error refused(Connection& source, const std::string& statement, Error error) {
  error.what = statement + " on the source: " + error.what;
  if (!source.sqlstate().starts_with("P0")) return error;
  return Error{Fault::invalid, error.what,
               "an event trigger of the source refuses it: have it let role " +
                   source.reported("session_authorization") +
                   " pass, or make the publication beforehand and name it (--publication)"};
}

// ADD or DROP.
Result<void> alter(Connection& source, const std::string& name, const char* verb,
                   const std::vector<model::Name>& tables, const Until& until) {
  for (std::size_t first = 0; first < tables.size(); first += tables_at_once) {
    const std::size_t count = std::min(tables_at_once, tables.size() - first);
    const Result<void> altered = source.execute("ALTER PUBLICATION " + quote_identifier(name) + " " + verb + " TABLE " +
                                                    only(std::span(tables).subspan(first, count)),
                                                until);
    if (!altered) return refused(source, "ALTER PUBLICATION " + quote_identifier(name), altered.error());
  }
  return {};
}

std::vector<model::Name> without(const std::vector<model::Name>& all, const Names& these) {
  std::vector<model::Name> rest;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rest),
               [&](const model::Name& each) { return these.count(each) == 0; });
  return rest;
}

// What a publication lists itself, in difference to what it publishes by schema or by partition.
Result<std::vector<model::Name>> read_listed(Connection& source, const std::string& name, bool filtered,
                                             const Until& until) {
  const Rows rows = TRY(source.query(
      "SELECT n.nspname, c.relname FROM pg_catalog.pg_publication p"
      " JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid JOIN pg_catalog.pg_class c ON c.oid = r.prrelid"
      " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = $1" +
          std::string(filtered ? " AND (to_jsonb(r) ->> 'prqual' IS NOT NULL OR to_jsonb(r) ->> 'prattrs' IS NOT NULL)"
                               : ""),
      {name}, until));
  return names_in(rows);
}

Result<void> restore_operations(Connection& source, const std::string& name, const PublicationState& publication,
                                bool& changed, const Until& until) {
  if (publication.all_tables)
    return Error{Fault::conflict, "publication " + name + " was changed to publish all tables",
                 "drop it; the next run makes it anew"};
  if (!publication.via_root && missing_operations(publication).empty()) return {};
  changed = true;
  TRY(source.execute(to_publish_all(name), until));
  if (!publication.via_root) return {};
  return source.execute(to_publish_leaves(name), until);
}

}  // namespace

PublicationPlan plan_publication(const std::vector<CatalogTable>& selected) {
  PublicationPlan plan;
  for (const CatalogTable& each : selected) {
    std::string reason = reason_against(each);
    if (reason.empty()) {
      plan.published.push_back(each.table.name);
    } else {
      plan.not_published.push_back({each.table.name, std::move(reason), ""});
    }
  }
  return plan;
}

PublicationPlan plan_addition(const std::vector<CatalogTable>& selected, const std::vector<model::Name>& already) {
  const Names there(already.begin(), already.end());
  PublicationPlan plan = plan_publication(selected);
  for (const CatalogTable& each : selected) {
    if (each.owner_apart.empty() || there.count(each.table.name) != 0) continue;
    if (std::erase(plan.published, each.table.name) != 0)
      plan.not_published.push_back({each.table.name, reason_of_owner(each), ""});
  }
  return plan;
}

std::string reason_of_owner(const CatalogTable& table) {
  if (table.owner_apart.empty()) return "";
  return "it belongs to role " + table.owner_apart + " of the source, and only its owner may publish it: GRANT " +
         quote_identifier(table.owner_apart) + " to the role that the replication connects as";
}

Result<std::optional<PublicationState>> read_publication(Connection& source, const std::string& name,
                                                         const Until& until) {
  const Rows rows =
      TRY(source.query("SELECT coalesce((to_jsonb(p) ->> 'pubviaroot')::boolean, false), p.puballtables, p.pubinsert,"
                       " p.pubupdate, p.pubdelete, p.pubtruncate FROM pg_catalog.pg_publication p WHERE p.pubname = $1",
                       {name}, until));
  if (rows.size() == 0) return std::optional<PublicationState>{};
  PublicationState publication;
  publication.via_root = rows.boolean(0, 0);
  publication.all_tables = rows.boolean(0, 1);
  publication.insert = rows.boolean(0, 2);
  publication.update = rows.boolean(0, 3);
  publication.remove = rows.boolean(0, 4);
  publication.truncate = rows.boolean(0, 5);
  const Rows tables = TRY(source.query(
      "SELECT schemaname, tablename FROM pg_catalog.pg_publication_tables WHERE pubname = $1", {name}, until));
  for (int row = 0; row < tables.size(); ++row) publication.tables.push_back({tables.str(row, 0), tables.str(row, 1)});
  publication.filtered = TRY(read_listed(source, name, true, until));
  return std::optional<PublicationState>{std::move(publication)};
}

std::string told(const NotPublished& table) {
  return table.reason + (table.remedy.empty() ? "" : ": run on the source: " + table.remedy + ";");
}

PublicationReview review_publication(const std::string& name, const PublicationState& publication,
                                     const std::vector<CatalogTable>& selected) {
  return Reviewer(name, publication).review(selected);
}

std::string publication_statement(const std::string& name, const std::vector<model::Name>& tables) {
  return "CREATE PUBLICATION " + quote_identifier(name) + (tables.empty() ? "" : " FOR TABLE " + only(tables)) +
         " WITH " + all_operations;
}

Result<bool> ensure_publication(Connection& source, const std::string& name, const std::vector<model::Name>& tables,
                                const Until& until) {
  if (TRY(read_publication(source, name, until))) return bring_publication(source, name, tables, until);
  const Result<void> created = source.execute(publication_statement(name, {}), until);
  if (!created) return refused(source, "CREATE PUBLICATION " + quote_identifier(name), created.error());
  TRY(alter(source, name, "ADD", tables, until));
  return true;
}

Result<bool> bring_publication(Connection& source, const std::string& name, const std::vector<model::Name>& tables,
                               const Until& until) {
  const std::optional<PublicationState> found = TRY(read_publication(source, name, until));
  if (!found) return own_publication_gone(name);
  bool changed = false;
  TRY(restore_operations(source, name, *found, changed, until));
  // What somebody gave a filter is taken out and comes back whole.
  const std::vector<model::Name> now = TRY(read_listed(source, name, false, until));
  const Names filtered(found->filtered.begin(), found->filtered.end());
  const std::vector<model::Name> good = without(now, filtered);
  std::vector<model::Name> superfluous = without(good, Names(tables.begin(), tables.end()));
  superfluous.insert(superfluous.end(), filtered.begin(), filtered.end());
  const std::vector<model::Name> missing = without(tables, Names(good.begin(), good.end()));
  TRY(alter(source, name, "DROP", superfluous, until));
  TRY(alter(source, name, "ADD", missing, until));
  return changed || !superfluous.empty() || !missing.empty();
}

Result<void> drop_publication(Connection& source, const std::string& name, const Until& until) {
  return source.execute("DROP PUBLICATION IF EXISTS " + quote_identifier(name), until);
}

}  // namespace tributary::postgres
