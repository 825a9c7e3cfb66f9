#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/pipeline/target.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

// Carries out schema steps on one connection, each list as one transaction together with its ledger rows. A step that
// made nothing, because it was skipped or its object was there, has none: the next attempt tries it, and tells of it,
// again. What a small step costs is mostly its round trip, so steps that must succeed travel together; only when one of
// them fails are they carried out one by one, to tell which.
namespace tributary::postgres {

// Objects that were on the target before, by the steps that would have made them. Any thread.
class Existing {
 public:
  void add(std::size_t step) {
    const std::lock_guard lock(mutex_);
    steps_.insert(step);
  }
  bool holds(std::size_t step) const {
    const std::lock_guard lock(mutex_);
    return step == pipeline::no_step || steps_.contains(step);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::size_t> steps_;
};

struct StepOptions {
  std::set<std::string> done;  // digests of steps that the ledger holds
  bool may_all_exist = false;  // the database had objects of its own before (Append): they stay as they are
  std::shared_ptr<Existing> existing = std::make_shared<Existing>();
};

class StepRunner {
 public:
  StepRunner(Connection& connection, Owner owner, std::shared_ptr<const StepOptions> options)
      : connection_(connection), owner_(std::move(owner)), options_(std::move(options)) {}

  // TargetWriter::run. A deadlock with another worker is tried again: the server picks one of the two to give way.
  Result<std::vector<api::Finding>> run(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                        const pipeline::TargetWriter::Effort& effort, const Until& until);
  // TargetWriter::validate.
  Result<std::vector<api::Finding>> validate(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                             const Until& until);

 private:
  enum class Travel { together, one_by_one };
  Result<std::vector<api::Finding>> attempt(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                            const pipeline::TargetWriter::Effort& effort, Travel travel,
                                            const Until& until);
  bool tolerant(const pipeline::SchemaStep& step) const;
  bool leaves_alone(const pipeline::SchemaStep& step) const;
  // Carries out the steps whose statements were gathered, and forgets them.
  Result<void> flush(std::vector<const pipeline::SchemaStep*>& gathered, const Until& until);
  Result<bool> run_one(const pipeline::SchemaStep& step, std::vector<api::Finding>& findings, const Until& until);
  Result<bool> tolerate(const pipeline::SchemaStep& step, const Error& error, std::vector<api::Finding>& findings,
                        const Until& until);
  Result<std::vector<api::Finding>> validate_all(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                                 const Until& until);
  Result<bool> validate_together(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                 const Until& until);
  Result<void> validate_one(const pipeline::SchemaStep& step, std::vector<api::Finding>& findings, const Until& until);
  bool exists(const pipeline::SchemaStep& step) const;
  Result<std::int64_t> extensions(const Until& until);

  Connection& connection_;
  const Owner owner_;
  const std::shared_ptr<const StepOptions> options_;
  bool several_failed_ = false;  // of statements that travelled together one failed
};

}  // namespace tributary::postgres
