#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/pipeline/target.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"

// Carries out schema steps on one connection, each list as one transaction together with its ledger rows.
namespace tributary::postgres {

struct StepOptions {
  std::set<std::string> done;  // digests of steps that the ledger holds
  bool may_all_exist = false;  // the database had objects of its own before (Append)
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
  Result<std::vector<api::Finding>> attempt(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                            const pipeline::TargetWriter::Effort& effort, const Until& until);
  Result<bool> run_one(const pipeline::SchemaStep& step, std::vector<api::Finding>& findings, const Until& until);
  Result<bool> tolerate(const pipeline::SchemaStep& step, const Error& error, std::vector<api::Finding>& findings,
                        const Until& until);
  Result<void> validate_one(const pipeline::SchemaStep& step, std::vector<api::Finding>& findings, const Until& until);
  Result<std::int64_t> extensions(const Until& until);
  // Ends the transaction without effect where the connection still can.
  void undo();

  Connection& connection_;
  const Owner owner_;
  const std::shared_ptr<const StepOptions> options_;
};

}  // namespace tributary::postgres
