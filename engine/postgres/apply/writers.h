#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/apply/net.h"
#include "engine/postgres/apply/row_statement.h"
#include "engine/postgres/apply/table.h"
#include "engine/postgres/apply/text_array.h"
#include "engine/postgres/client/connection_pipeline.h"

// Changes as prepared statements in a pipeline. The tables' plans are made. Errors are those of the pipeline, or
// (Fault::differs) tell what a change lacks.
namespace tributary::postgres::apply {

struct SetStatement;

// Prepares statements under names that this session never had.
class Preparer {
 public:
  explicit Preparer(Pipeline& pipeline) : pipeline_(&pipeline) {}

  Result<Prepared*> prepare(Table& table, const std::string& key, Prepared statement, const std::string& sql,
                            std::span<const std::uint32_t> types, const Until& until);
  // Since the last forget().
  std::size_t size() const { return size_; }
  void forget() { size_ = 0; }

 private:
  Pipeline* pipeline_;
  std::size_t size_ = 0;
  std::uint64_t made_ = 0;
};

// One change, which touches one row. Borrows both.
class RowWriter {
 public:
  RowWriter(Pipeline& pipeline, Preparer& preparer) : pipeline_(&pipeline), preparer_(&preparer) {}

  Result<void> write(Table& table, const model::Event& event, const Until& until);

 private:
  Result<Prepared*> prepare(Table& table, const Until& until);

  Pipeline* pipeline_;
  Preparer* preparer_;
  RowForm form_;
  std::vector<Parameter> parameters_;
};

// The net change of a table. Borrows both.
class SetWriter {
 public:
  SetWriter(Pipeline& pipeline, Preparer& preparer) : pipeline_(&pipeline), preparer_(&preparer) {}

  Result<void> write(Table& table, const Net& net, const Until& until);

 private:
  Result<void> write_updates(Table& table, const Net& net, const Until& until);
  Result<void> write_set(const Prepared& statement, std::span<const Net::Update> rows, const Until& until);
  Result<void> send(const Prepared& statement, const Until& until);
  Result<Prepared*> find(Table& table, const std::string& key, const char* what,
                         const std::function<SetStatement()>& make, const Until& until);

  Pipeline* pipeline_;
  Preparer* preparer_;
  std::vector<TextArray> arrays_;
  std::vector<Parameter> parameters_;
};

}  // namespace tributary::postgres::apply
