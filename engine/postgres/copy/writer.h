#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/pipeline/target.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/copy/step_runner.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres {

// Writes parts and carries out steps, each batch as one fenced transaction.
class Writer final : public pipeline::TargetWriter {
 public:
  Writer(Connection connection, Owner owner, std::shared_ptr<const StepOptions> options)
      : connection_(std::move(connection)),
        owner_(std::move(owner)),
        options_(options),
        steps_(connection_, owner_, std::move(options)) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<void> begin(const Until& until) override;
  Result<void> open(const model::Table& table, const model::CopyPart& part, const Until& until) override;
  Result<void> write(std::span<const std::byte> bytes, const Until& until) override;
  Result<pipeline::PartCount> close(std::uint64_t bytes, const Until& until) override;
  Result<void> commit(const Until& until) override;
  Result<std::vector<api::Finding>> run(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                        const Effort& effort, const Until& until) override;
  Result<std::vector<api::Finding>> validate(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                             const Until& until) override;
  Result<std::vector<api::Finding>> analyze(const std::vector<pipeline::Sample>& samples, const Until& until) override;

 private:
  Error refused(const Error& error) const;
  Result<void> require_nothing_fires(const model::Table& table, const Until& until);
  enum class Emptied { may_be, never };
  Result<Emptied> take_empty(const model::Name& table, const Until& until);

  Connection connection_;
  const Owner owner_;
  const std::shared_ptr<const StepOptions> options_;
  StepRunner steps_;
  model::Table table_;  // of the open part
  std::optional<CopyIn> copy_;
  std::vector<DonePart> done_;  // of the open batch; the last one is being written while copy_ is there
};

}  // namespace tributary::postgres
