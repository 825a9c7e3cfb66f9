#include "engine/pipeline/testing/fake_source.h"

#include <algorithm>
#include <utility>

namespace tributary::pipeline::testing {
namespace {

class FakeStream : public CopyStream {
 public:
  FakeStream(World& world, std::vector<std::string> messages, std::uint64_t rows)
      : world_(world), messages_(std::move(messages)), rows_(rows), connected_(world) {}

  Result<std::span<const std::byte>> next(const Until& until) override {
    return world_.calls.run("stream.next", until, [&]() -> Result<std::span<const std::byte>> {
      if (sent_ == messages_.size()) {
        ended_ = true;
        return std::span<const std::byte>{};
      }
      return std::as_bytes(std::span(messages_[sent_++]));
    });
  }
  std::uint64_t rows() const override {
    if (!ended_) world_.calls.complain("rows of a stream were asked for before its end");
    return rows_;
  }

 private:
  World& world_;
  const std::vector<std::string> messages_;
  const std::uint64_t rows_;
  const Connected connected_;
  std::size_t sent_ = 0;
  bool ended_ = false;
};

class FakeReader : public SourceReader {
 public:
  FakeReader(World& world, const SourceDatabase& view, std::shared_ptr<int> readers)
      : world_(world), view_(view), readers_(std::move(readers)), connected_(world) {
    const std::lock_guard lock(world_.mutex);
    ++*readers_;
  }
  ~FakeReader() override {
    const std::lock_guard lock(world_.mutex);
    --*readers_;
  }

  Result<std::unique_ptr<CopyStream>> open(const model::Table& table, const model::CopyPart& part,
                                           const Until& until) override {
    return world_.calls.run("reader.open", until, [&]() -> Result<std::unique_ptr<CopyStream>> {
      const auto held = std::find_if(view_.tables.begin(), view_.tables.end(),
                                     [&](const SourceTable& each) { return each.table.name == table.name; });
      if (held == view_.tables.end()) return Error{Fault::missing, "no table " + model::display(table.name)};
      std::vector<std::string> messages{"H"};
      const std::uint64_t end = part.end_page == 0 ? UINT64_MAX : part.end_page;
      for (std::size_t row = 0; row < held->rows.size(); ++row) {
        const std::uint64_t page = row / rows_per_page;
        if (page >= part.first_page && page < end) messages.push_back("R" + held->rows[row]);
      }
      const std::uint64_t rows = messages.size() - 1 + (held->miscounted ? 1 : 0);
      messages.emplace_back("T");
      return std::unique_ptr<CopyStream>(std::make_unique<FakeStream>(world_, std::move(messages), rows));
    });
  }

 private:
  World& world_;
  const SourceDatabase view_;
  const std::shared_ptr<int> readers_;
  const Connected connected_;
};

// Into every table, in one transaction.
void write_to(SourceDatabase& database) {
  database.position.value += 0x1000;
  for (SourceTable& each : database.tables) each.rows.push_back("written at " + to_string(database.position));
}

}  // namespace

FakeSource::~FakeSource() {
  if (*readers_ != 0) world_.calls.complain("the source went before its readers");
}

Result<void> FakeSource::require_snapshot(const std::string& call) {
  if (view_) return {};
  world_.calls.complain(call + " without a snapshot");
  return Error{Fault::failed, "no snapshot is open"};
}

Result<SourceIdentity> FakeSource::identity(const Until& until) {
  return world_.calls.run("source.identity", until, [&]() -> Result<SourceIdentity> {
    return SourceIdentity{"7311", database_};
  });
}

Result<SnapshotInfo> FakeSource::open_snapshot(const std::optional<FormerStream>& former, const Until& until) {
  bool made = false;
  const Result<SnapshotInfo> opened = world_.calls.run("source.open_snapshot", until, [&]() -> Result<SnapshotInfo> {
    if (view_) world_.calls.complain("a snapshot is open already");
    const std::lock_guard lock(world_.mutex);
    SourceDatabase& database = world_.source.at(database_);
    if (world_.writes) write_to(database);
    StreamStart stream;
    stream.from = database.position;
    if (former && former->slot == slot_name(database.slot)) {
      if (database.confirmed > former->applied) world_.calls.complain("more was confirmed than applied");
      stream.from = former->from;
    } else {
      database.slot = ++world_.slots;
      made = true;
      database.confirmed = database.position;
    }
    stream.slot = slot_name(database.slot);
    for (const SourceTable& each : database.tables) {
      const model::Name& name = each.table.name;
      if (world_.not_streamed.count(name.name) != 0) stream.not_streamed.push_back({name, "it has no key"});
      if (world_.not_streamed.count(name.name) == 0) stream.streamed.push_back(name);
    }
    view_ = database;
    world_.views[database.position] = database;
    return SnapshotInfo{"00000003-1", database.position, stream};
  });
  const std::lock_guard lock(world_.mutex);
  if (!opened && made) world_.source.at(database_).slot = 0;
  return opened;
}

Result<std::vector<model::Table>> FakeSource::tables(const Until& until) {
  return world_.calls.run("source.tables", until, [&]() -> Result<std::vector<model::Table>> {
    TRY(require_snapshot("tables"));
    std::vector<model::Table> tables;
    for (const SourceTable& each : view_->tables) tables.push_back(each.table);
    return tables;
  });
}

Result<Schema> FakeSource::schema(const Until& until) {
  return world_.calls.run("source.schema", until, [&]() -> Result<Schema> {
    TRY(require_snapshot("schema"));
    return view_->schema;
  });
}

Result<std::unique_ptr<SourceReader>> FakeSource::reader(const Until& until) {
  return world_.calls.run("source.reader", until, [&]() -> Result<std::unique_ptr<SourceReader>> {
    TRY(require_snapshot("reader"));
    return std::unique_ptr<SourceReader>(std::make_unique<FakeReader>(world_, *view_, readers_));
  });
}

Result<std::vector<SequenceValue>> FakeSource::sequences(const Until& until) {
  return world_.calls.run("source.sequences", until, [&]() -> Result<std::vector<SequenceValue>> {
    const std::lock_guard lock(world_.mutex);
    return world_.source.at(database_).sequences;
  });
}

Result<void> FakeSource::watch(const Until& until) {
  return world_.calls.run("source.watch", until, [&]() -> Result<void> { return require_snapshot("watch"); });
}

void FakeSource::close_snapshot() {
  world_.calls.note("source.close_snapshot");
  if (!require_snapshot("close_snapshot")) return;
  const std::lock_guard lock(world_.mutex);
  if (*readers_ != 0) world_.calls.complain("the snapshot was closed before its readers");
  view_.reset();
}

std::vector<api::Finding> FakeSource::findings() const {
  const std::lock_guard lock(world_.mutex);
  return world_.source.at(database_).findings;
}

}  // namespace tributary::pipeline::testing
