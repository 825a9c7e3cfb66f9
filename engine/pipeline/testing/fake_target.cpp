#include "engine/pipeline/testing/fake_target.h"

#include <algorithm>
#include <utility>

namespace tributary::pipeline::testing {
namespace {

bool tried(const TargetDatabase& data, const SchemaStep& step) {
  return data.steps.count(step.object) != 0 || data.skipped.count(step.object) != 0;
}

// Why a step may not run yet; "" when it may. `now` are the steps of the same transaction before it.
std::string obstacle(const TargetDatabase& data, const Schema& schema, const SchemaStep& step,
                     const std::set<std::string>& now) {
  const auto done = [&](std::size_t index) {
    const SchemaStep& other = schema.steps[index];
    const bool awaits = step.stage == Stage::foreign_key && !other.validate.empty();
    return awaits ? data.validated.count(other.object) != 0 : tried(data, other) || now.count(other.object) != 0;
  };
  for (const std::size_t earlier : step.after)
    if (!done(earlier)) return schema.steps[earlier].object + " is not done";
  const bool all_rows =
      std::all_of(data.tables.begin(), data.tables.end(), [&](const auto& each) { return data.whole(each.first); });
  const bool has_rows = step.table && data.tables.count(*step.table) != 0;
  if (step.stage == Stage::with_table && has_rows && !data.whole(*step.table)) return "its table is not complete";
  if ((step.stage == Stage::foreign_key || step.stage == Stage::after_data) && !all_rows)
    return "not all tables are complete";
  if (step.stage == Stage::foreign_key && data.applied < data.position) return "the tables are of several moments";
  if (step.stage != Stage::after_data) return {};
  for (const SchemaStep& other : schema.steps)
    if (other.stage != Stage::after_data && !tried(data, other)) return other.object + " is not done";
  return {};
}

std::optional<FormerStream> stream_of(const TargetDatabase& data) {
  if (data.slot.empty()) return {};
  FormerStream stream;
  stream.slot = data.slot;
  stream.from = data.from;
  stream.applied = data.applied;
  return stream;
}

}  // namespace

Result<void> Claimed::fence() const {
  if (data().owner == owner && data().epoch == epoch) return {};
  return Error{Fault::fenced, "another engine owns this replication by now"};
}

Result<std::vector<api::Finding>> Claimed::carry_out(const Schema& schema,
                                                     const std::vector<std::size_t>& steps) const {
  TRY(fence());
  std::vector<api::Finding> findings;
  std::set<std::string> now;
  for (const std::size_t index : steps) {
    const SchemaStep& step = schema.steps[index];
    if (data().steps.count(step.object) != 0) continue;
    const std::string why = obstacle(data(), schema, step, now);
    if (!why.empty()) world.calls.complain(step.object + " came too early: " + why);
    if (step.sql == "FAIL" && !step.optional) return Error{Fault::failed, step.object + " failed"};
    if (step.sql == "FAIL") {
      findings.push_back({api::Severity::warning, "StepFailed", step.object, "it failed", ""});
      data().skipped.insert(step.object);
    } else {
      now.insert(step.object);
    }
  }
  data().steps.insert(now.begin(), now.end());
  return findings;
}

FakeTarget::~FakeTarget() {
  const std::lock_guard lock(world_.mutex);
  if (*writers_ != 0) world_.calls.complain("the target went before its writers");
  if (mine_.owner != nullptr && mine_.data().owner == mine_.owner) mine_.data().owner = nullptr;
}

Result<Claim> FakeTarget::claim(const SourceIdentity&, std::int64_t asked, const Until& until) {
  return world_.calls.run("target.claim", until, [&]() -> Result<Claim> {
    const std::lock_guard lock(world_.mutex);
    TargetDatabase& data = mine_.data();
    Claim claim;
    if (data.superseded) return Error{Fault::fenced, "a later attempt has begun"};
    if (data.owner != nullptr) {
      claim.standing = Standing::held;
      claim.holder = "another live engine holds this replication";
      return claim;
    }
    data.owner = mine_.owner = this;
    mine_.epoch = data.epoch;
    if (data.epoch > 0) claim.standing = Standing::unfinished;
    if (!data.complete) {
      claim.stream = stream_of(data);
      return claim;
    }
    const bool holds = data.epoch == asked || (world_.declared && data.request_id == world_.request_id);
    if (!holds && !world_.declared && !world_.drops_existing) {
      claim.standing = Standing::refused;
      claim.refusal = {api::Severity::error, "AlreadyComplete", "target database shop", "it holds this already", ""};
      return claim;
    }
    if (!holds) return claim;
    claim.standing = Standing::complete;
    claim.epoch = data.epoch;
    claim.completed = "2026-11-21T09:30:00Z";
    claim.position = data.position;
    claim.tables = data.records();
    claim.consistency = data.consistency;
    if (data.released) claim.stream = stream_of(data);
    return claim;
  });
}

Result<void> FakeTarget::check_claim(const Until& until) {
  return fenced("target.check_claim", until, []() -> Result<void> { return {}; });
}

bool FakeTarget::may_keep(const Contents& contents) const {
  const std::lock_guard lock(world_.mutex);
  return mine_.data().planned_steps == contents.schema.steps.size();
}

Result<Prepared> FakeTarget::prepare(const Contents& contents, const Until& until) {
  return fenced("target.prepare", until, [&]() -> Result<Prepared> {
    TargetDatabase& data = mine_.data();
    if (data.foreign_rows) return Error{Fault::invalid, "the target database is not empty"};
    const bool resumed = is_resumed(contents.snapshot);
    TableRecords kept;
    if ((world_.resume_per_table || resumed) && !data.complete) kept = data.records();
    std::erase_if(
        kept, [&](const auto& each) { return !each.second.done || (resumed && data.followed.count(each.first) == 0); });
    TargetDatabase anew;
    anew.owner = data.owner;
    anew.epoch = mine_.epoch = data.epoch + 1;
    anew.described = data.described && !world_.drops_existing;
    anew.position = contents.snapshot.position;
    anew.request_id = world_.request_id;
    anew.planned_steps = contents.schema.steps.size();
    anew.copied = data.copied;
    if (!kept.empty() && !resumed) {
      anew.consistency = api::Consistency::per_table;
      anew.steps = data.steps;
      anew.validated = data.validated;
    }
    for (const SchemaStep& step : contents.schema.steps) {
      const bool of_rows = step.stage == Stage::before_data || step.stage == Stage::with_table;
      if (resumed && !kept.empty() && of_rows && data.steps.count(step.object) != 0) anew.steps.insert(step.object);
    }
    for (const model::Table& table : contents.tables) {
      anew.tables[table.name];
      if (kept.count(table.name) == 0) continue;
      anew.tables[table.name] = data.tables[table.name];
      anew.rows[table.name] = data.rows[table.name];
    }
    if (contents.snapshot.stream) {
      const StreamStart& stream = *contents.snapshot.stream;
      anew.slot = stream.slot;
      anew.from = stream.from;
      anew.applied = resumed ? data.applied : stream.from;
      for (const model::Name& name : stream.streamed)
        anew.followed[name] = resumed && kept.count(name) != 0 ? data.followed.at(name) : anew.position;
    }
    data = anew;
    return Prepared{kept};
  });
}

Result<std::vector<api::Finding>> FakeTarget::run_in_order(const Schema& schema, Stage stage, const Until& until) {
  const std::string name = stage == Stage::before_data ? "target.before_data" : "target.after_data";
  return fenced(name, until, [&]() -> Result<std::vector<api::Finding>> {
    std::vector<std::size_t> steps;
    for (std::size_t step = 0; step < schema.steps.size(); ++step)
      if (schema.steps[step].stage == stage) steps.push_back(step);
    return mine_.carry_out(schema, steps);
  });
}

Result<std::unique_ptr<TargetWriter>> FakeTarget::writer(const Until& until) {
  return world_.calls.run("target.writer", until,
                          [&]() -> Result<std::unique_ptr<TargetWriter>> { return open_fake_writer(mine_, writers_); });
}

Result<void> FakeTarget::set_sequences(const std::vector<SequenceValue>& sequences, const Until& until) {
  return fenced("target.set_sequences", until, [&]() -> Result<void> {
    for (const SequenceValue& each : sequences) mine_.data().sequences[each.name] = each.last_value;
    return {};
  });
}

// Each table, and all of them together as the partitions of one.
Result<StatisticsPlan> FakeTarget::plan_statistics(const std::vector<model::Table>& tables, const Until& until) {
  return world_.calls.run("target.plan_statistics", until, [&]() -> Result<StatisticsPlan> {
    StatisticsPlan plan;
    Sample all{"all tables", {}, 0};
    for (std::size_t table = 0; table < tables.size(); ++table) {
      all.tables.push_back(table);
      plan.samples.push_back({tables[table].name.name, {table}, tables[table].bytes});
    }
    plan.samples.push_back(all);
    return plan;
  });
}

Result<TableRecords> FakeTarget::complete(const std::vector<model::Table>& tables,
                                          const std::function<Result<void>()>& last, const Until& until) {
  const Result<void> done = last();
  Result<TableRecords> records = !done ? done.error() : fenced("target.complete", until, [&]() -> Result<TableRecords> {
    TargetDatabase& data = mine_.data();
    for (const model::Table& table : tables)
      if (!data.whole(table.name))
        return Error{Fault::failed, "the ledger does not hold table " + model::display(table.name) + " as done"};
    if (data.applied < data.position) return Error{Fault::failed, "the ledger lacks changes"};
    data.complete = true;
    data.released = !world_.is_followed;
    return data.records();
  });
  const std::lock_guard lock(world_.mutex);
  if (mine_.fence() && !mine_.data().complete) mine_.data().described = false;
  return records;
}

}  // namespace tributary::pipeline::testing
