#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/client/connection.h"

// What a source publishes for a stream. A table that is published for update and delete without an identity that the
// server accepts refuses the updates and deletes of its own users: such a table is never published by us. Rules from
// the PostgreSQL documentation, "CREATE PUBLICATION" and "Logical Replication".
namespace tributary::postgres {

// A selected table whose changes the stream does not carry, or not all of them, and why: a sentence.
struct NotPublished {
  model::Name table;
  std::string reason;
  std::string remedy;  // SQL for the source; "" where the publication is not at fault
};
// For people. Pure.
std::string told(const NotPublished& table);

// Which of the selected tables a stream carries. Partitioned tables are followed leaf by leaf.
struct PublicationPlan {
  std::vector<model::Name> published;
  std::vector<NotPublished> not_published;
};
PublicationPlan plan_publication(const std::vector<CatalogTable>& selected);
// The same for our own publication of a stream that goes on: what only another role may add, and it does not carry
// `already`, is left out. Pure.
PublicationPlan plan_addition(const std::vector<CatalogTable>& selected, const std::vector<model::Name>& already);
// Why only another role may add it, or "". Pure.
std::string reason_of_owner(const CatalogTable& table);

// One that was made by somebody else, as the catalog has it.
struct PublicationState {
  bool via_root = false;  // partitions appear as their root
  bool all_tables = false;
  bool insert = true, update = true, remove = true, truncate = true;
  std::vector<model::Name> tables;    // that are published; with via_root partitioned ones, else leaves
  std::vector<model::Name> filtered;  // listed with a row filter or a column list (from PostgreSQL 15)
};
Result<std::optional<PublicationState>> read_publication(Connection& source, const std::string& name,
                                                         const Until& until);

// What of the selected tables it carries whole, and what speaks against its use. Pure.
struct PublicationReview {
  PublicationPlan plan;
  std::vector<api::Finding> findings;
};
PublicationReview review_publication(const std::string& name, const PublicationState& publication,
                                     const std::vector<CatalogTable>& selected);

// The SQL by which a person makes it. Pure.
std::string publication_statement(const std::string& name, const std::vector<model::Name>& tables);

// Makes our own publication of exactly these tables, or brings the one that exists to them, for all operations. In
// batches, each a transaction: it must be complete before the slot is made. True where something was changed: a stream
// that runs goes on with what it knew before. Whoever changes one of the tables is waited for, as long as lock_timeout
// lets it.
Result<bool> ensure_publication(Connection& source, const std::string& name, const std::vector<model::Name>& tables,
                                const Until& until);
// The same for one that a stream depends on: it is not made anew, own_publication_gone().
Result<bool> bring_publication(Connection& source, const std::string& name, const std::vector<model::Name>& tables,
                               const Until& until);

// Success where there is none.
Result<void> drop_publication(Connection& source, const std::string& name, const Until& until);

}  // namespace tributary::postgres
