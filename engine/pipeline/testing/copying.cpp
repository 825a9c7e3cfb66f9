#include "engine/pipeline/testing/copying.h"

#include <utility>

namespace tributary::pipeline::testing {

Copying::Copying(int streams, SourceDatabase database) : streams_(streams) {
  world.source["shop"] = std::move(database);
  link_ = std::make_unique<FakeLink>(world, DatabasePair{"shop", "shop"});
  link_->target().claim({"7311", "shop"}, 0, {}).value();
  contents.snapshot = link_->source().open_snapshot({}, {}).value();
  contents.tables = link_->source().tables({}).value();
  contents.schema = link_->source().schema({}).value();
  link_->target().prepare(contents, {}).value();
  link_->target().run_in_order(contents.schema, Stage::before_data, {}).value();
  link_->agree_on_formats(contents.tables, {}).value();
  kept.assign(contents.tables.size(), false);
  beside = [this](const Until& until) -> Result<void> {
    TRY(link_->copy_objects([&] { board.moved(); }, until));
    return {};
  };
  before = world.calls.count();
}

Result<std::vector<api::Finding>> Copying::run(const Until& until) {
  std::vector<ProgressBoard::TableSize> sizes;
  for (const model::Table& table : contents.tables) sizes.push_back({model::display(table.name), table.bytes});
  CopyRequest request{contents, kept, board.begin_database("shop", sizes), streams_, {}, beside};
  request.limits.streams = streams_;
  request.watch_period = watch_period;
  request.limits.splits_tables = link_->source().splits_tables();
  return copy_database(link_->source(), link_->target(), request, board, until);
}

std::map<model::Name, std::multiset<std::string>> rows_of(const SourceDatabase& source) {
  std::map<model::Name, std::multiset<std::string>> rows;
  for (const SourceTable& each : source.tables) rows[each.table.name].insert(each.rows.begin(), each.rows.end());
  return rows;
}

}  // namespace tributary::pipeline::testing
