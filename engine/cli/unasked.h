#pragma once

#include <memory>
#include <vector>

#include "engine/pipeline/servers.h"

namespace tributary::cli {

// Servers of a run that nobody could be asked about, because the checks did not come far enough to know what goes. Once
// they do, a drop that they find is an error: nobody said yes to it. Borrows the servers.
class Unasked final : public pipeline::Servers {
 public:
  explicit Unasked(pipeline::Servers& servers) : servers_(servers) {}

  Result<std::vector<api::Finding>> preflight(const Until& until) override;
  Result<std::vector<pipeline::DatabasePair>> databases(const Until& until) override;
  Result<std::unique_ptr<pipeline::Source>> source(const pipeline::DatabasePair& databases,
                                                   const Until& until) override;
  Result<std::unique_ptr<pipeline::Link>> link(const pipeline::DatabasePair& databases, const Until& until) override;
  std::unique_ptr<pipeline::DrainEnds> drain(const pipeline::DatabasePair& databases) override;
  Result<void> drop_stream(const pipeline::DatabasePair& databases, const pipeline::StreamObjects& stream,
                           std::optional<model::Lsn> reached, const Until& until) override;
  Result<int> parallelism(const Until& until) override;

 private:
  pipeline::Servers& servers_;
};

}  // namespace tributary::cli
