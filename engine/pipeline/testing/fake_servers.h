#pragma once

#include <memory>

#include "engine/pipeline/servers.h"
#include "engine/pipeline/testing/fake_source.h"
#include "engine/pipeline/testing/fake_target.h"
#include "engine/pipeline/testing/world.h"

namespace tributary::pipeline::testing {

// Both ends of one database of a world.
class FakeLink : public Link {
 public:
  FakeLink(World& world, const DatabasePair& databases)
      : world_(world), databases_(databases), source_(world, databases.source), target_(world, databases.target) {}

  Source& source() override { return source_; }
  Target& target() override { return target_; }
  Result<std::vector<api::Finding>> copy_roles(const Until& until) override;
  Result<void> agree_on_formats(std::vector<model::Table>& tables, const Until& until) override;
  Result<std::vector<api::Finding>> copy_objects(const std::function<void()>& moved, const Until& until) override;
  Result<std::vector<api::Finding>> describe_database(const Until& until) override;

 private:
  World& world_;
  const DatabasePair databases_;
  FakeSource source_;
  FakeTarget target_;
};

// Every database of the world's source is selected and keeps its name.
class FakeServers : public Servers {
 public:
  explicit FakeServers(World& world) : world_(world) {}

  Result<std::vector<api::Finding>> preflight(const Until& until) override;
  Result<std::vector<DatabasePair>> databases(const Until& until) override;
  Result<std::unique_ptr<Source>> source(const DatabasePair& databases, const Until& until) override;
  Result<std::unique_ptr<Link>> link(const DatabasePair& databases, const Until& until) override;
  std::unique_ptr<DrainEnds> drain(const DatabasePair& databases) override;
  Result<void> drop_stream(const DatabasePair& databases, const StreamObjects& stream,
                           std::optional<model::Lsn> reached, const Until& until) override;
  Result<int> parallelism(const Until& until) override;

 private:
  World& world_;
};

}  // namespace tributary::pipeline::testing
