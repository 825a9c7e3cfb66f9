#pragma once

#include <functional>
#include <memory>

#include "engine/pipeline/servers.h"
#include "engine/postgres/roles/database_statements.h"
#include "engine/postgres/snapshot/source.h"
#include "engine/postgres/snapshot/target.h"

namespace tributary::postgres {

// One database, PostgreSQL at both ends.
class Link final : public pipeline::Link {
 public:
  // `whole`: every table of the source's database is selected.
  Link(std::unique_ptr<Source> source, std::unique_ptr<Target> target, TargetTraits traits, DatabaseStatements database,
       bool whole)
      : source_(std::move(source)),
        target_(std::move(target)),
        traits_(std::move(traits)),
        database_(std::move(database)),
        whole_(whole) {}

  pipeline::Source& source() override { return *source_; }
  pipeline::Target& target() override { return *target_; }
  Result<std::vector<api::Finding>> copy_roles(const Until& until) override;
  Result<void> agree_on_formats(std::vector<model::Table>& tables, const Until& until) override;
  Result<std::vector<api::Finding>> copy_objects(const std::function<void()>& moved, const Until& until) override;
  Result<std::vector<api::Finding>> describe_database(const Until& until) override;

 private:
  const std::unique_ptr<Source> source_;
  const std::unique_ptr<Target> target_;
  TargetTraits traits_;
  DatabaseStatements database_;
  const bool whole_;
};

}  // namespace tributary::postgres
