#include "engine/pipeline/testing/fake_servers.h"

#include <utility>

#include "engine/pipeline/testing/fake_drain.h"

namespace tributary::pipeline::testing {

Result<std::vector<api::Finding>> FakeLink::copy_roles(const Until& until) {
  return world_.calls.run("link.copy_roles", until, [&]() -> Result<std::vector<api::Finding>> {
    const std::lock_guard lock(world_.mutex);
    TRY(target_.mine().fence());
    world_.roles.insert("app");
    return world_.role_findings;
  });
}

Result<void> FakeLink::agree_on_formats(std::vector<model::Table>& tables, const Until& until) {
  return world_.calls.run("link.agree_on_formats", until, [&]() -> Result<void> {
    for (model::Table& table : tables) table.format = model::CopyFormat::binary;
    return {};
  });
}

Result<std::vector<api::Finding>> FakeLink::copy_objects(const std::function<void()>& moved, const Until& until) {
  return world_.calls.run("link.copy_objects", until, [&]() -> Result<std::vector<api::Finding>> {
    const std::lock_guard lock(world_.mutex);
    TRY(target_.mine().fence());
    for (const std::uint32_t object : world_.source.at(databases_.source).objects) {
      target_.mine().data().objects.insert(object);
      moved();
      if (world_.after_object) world_.after_object();
    }
    return world_.object_findings;
  });
}

Result<std::vector<api::Finding>> FakeLink::describe_database(const Until& until) {
  return world_.calls.run("link.describe_database", until, [&]() -> Result<std::vector<api::Finding>> {
    const std::lock_guard lock(world_.mutex);
    TRY(target_.mine().fence());
    const bool already = std::exchange(target_.mine().data().described, true);
    return already ? std::vector<api::Finding>{} : world_.source.at(databases_.source).unfit;
  });
}

Result<std::vector<api::Finding>> FakeServers::preflight(const Until& until) {
  return world_.calls.run("servers.preflight", until, [&]() -> Result<std::vector<api::Finding>> {
    if (world_.preflight) return world_.preflight();
    return std::vector<api::Finding>{};
  });
}

Result<std::vector<DatabasePair>> FakeServers::databases(const Until& until) {
  return world_.calls.run("servers.databases", until, [&]() -> Result<std::vector<DatabasePair>> {
    const std::lock_guard lock(world_.mutex);
    std::vector<DatabasePair> pairs;
    for (const auto& [name, database] : world_.source) pairs.push_back({name, name});
    return pairs;
  });
}

Result<std::unique_ptr<Source>> FakeServers::source(const DatabasePair& databases, const Until& until) {
  return world_.calls.run("servers.source", until, [&]() -> Result<std::unique_ptr<Source>> {
    return std::unique_ptr<Source>(std::make_unique<FakeSource>(world_, databases.source));
  });
}

Result<std::unique_ptr<Link>> FakeServers::link(const DatabasePair& databases, const Until& until) {
  return world_.calls.run("servers.link", until, [&]() -> Result<std::unique_ptr<Link>> {
    return std::unique_ptr<Link>(std::make_unique<FakeLink>(world_, databases));
  });
}

std::unique_ptr<DrainEnds> FakeServers::drain(const DatabasePair& databases) {
  return world_.goes_on ? open_fake_drain(world_, databases) : nullptr;
}

Result<void> FakeServers::drop_stream(const DatabasePair& databases, const StreamObjects& stream,
                                      std::optional<model::Lsn> reached, const Until& until) {
  return world_.calls.run("servers.drop_stream", until, [&]() -> Result<void> {
    const std::lock_guard lock(world_.mutex);
    SourceDatabase& database = world_.source.at(databases.source);
    if (stream.slot != slot_name(database.slot)) return {};
    if (reached && database.confirmed > *reached) return Error{Fault::failed, "slot " + stream.slot + " is left"};
    database.slot = 0;
    return {};
  });
}

Result<int> FakeServers::parallelism(const Until& until) {
  return world_.calls.run("servers.parallelism", until, [&]() -> Result<int> { return world_.streams; });
}

}  // namespace tributary::pipeline::testing
