#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/pipeline/source.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

// Reads parts of tables inside the snapshot that its connection has joined.
class Reader final : public pipeline::SourceReader {
 public:
  using Resolve = std::function<Result<Parameters>()>;
  // `connect`: where to ask who keeps a table locked. `filters`: by table, "WHERE ..." for tables of which only some
  // rows are data.
  Reader(Resolve connect, Connection connection, std::map<std::uint32_t, std::string> filters)
      : connect_(std::move(connect)), connection_(std::move(connection)), filters_(std::move(filters)) {}

  Result<std::unique_ptr<pipeline::CopyStream>> open(const model::Table& table, const model::CopyPart& part,
                                                     const Until& until) override;

 private:
  const Resolve connect_;
  Connection connection_;
  const std::map<std::uint32_t, std::string> filters_;
};

}  // namespace tributary::postgres
