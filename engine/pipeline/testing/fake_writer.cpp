#include <optional>
#include <utility>

#include "engine/pipeline/testing/fake_target.h"

namespace tributary::pipeline::testing {
namespace {

// What begin() ... commit() has gathered of one part.
struct Written {
  model::Name table;
  int number = 0;
  int of = 1;
  std::multiset<std::string> rows;
  PartCount count;
};

class FakeWriter : public TargetWriter {
 public:
  FakeWriter(const Claimed& claimed, std::shared_ptr<int> writers)
      : mine_(claimed), writers_(std::move(writers)), connected_(claimed.world) {
    const std::lock_guard lock(mine_.world.mutex);
    ++*writers_;
  }
  ~FakeWriter() override {
    const std::lock_guard lock(mine_.world.mutex);
    --*writers_;
  }

  Result<void> begin(const Until& until) override {
    return used("writer.begin", until, [&]() -> Result<void> {
      if (written_) complain("begin inside a transaction");
      written_.emplace();
      return {};
    });
  }

  Result<void> open(const model::Table& table, const model::CopyPart& part, const Until& until) override {
    return used("writer.open", until, [&]() -> Result<void> {
      if (!written_ || copying_) return misuse("open outside a transaction, or inside a COPY");
      const TargetDatabase& data = mine_.data();
      const auto planned = data.tables.find(table.name);
      if (planned == data.tables.end()) return misuse("a table that prepare() has not seen");
      if (planned->second.done.count(part.number) != 0) return misuse("a part is copied twice");
      if (part.of == 1 && data.rows.count(table.name) != 0 && !data.rows.at(table.name).empty())
        return misuse("the table is not empty");
      if (table.format != model::CopyFormat::binary) return misuse("formats were not agreed on");
      written_->push_back({table.name, part.number, part.of, {}, {}});
      copying_ = true;
      return {};
    });
  }

  Result<void> write(std::span<const std::byte> bytes, const Until& until) override {
    return used("writer.write", until, [&]() -> Result<void> {
      if (!copying_) return misuse("write outside a COPY");
      const std::string message(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (message.front() == 'R') written_->back().rows.insert(message.substr(1));
      return {};
    });
  }

  Result<PartCount> close(std::uint64_t bytes, const Until& until) override {
    return used("writer.close", until, [&]() -> Result<PartCount> {
      if (!copying_) return misuse("close outside a COPY");
      copying_ = false;
      Written& part = written_->back();
      const bool loses = mine_.world.loses_rows_of.count(part.table.name) != 0;
      if (loses && !part.rows.empty()) part.rows.erase(part.rows.begin());
      part.count = {part.rows.size(), bytes};
      return part.count;
    });
  }

  Result<void> commit(const Until& until) override {
    return used("writer.commit", until, [&]() -> Result<void> {
      if (!written_ || copying_) return misuse("commit outside a transaction, or inside a COPY");
      TRY(mine_.fence());
      TargetDatabase& data = mine_.data();
      for (const Written& part : *written_) {
        data.rows[part.table].insert(part.rows.begin(), part.rows.end());
        TargetDatabase::Parts& ledger = data.tables[part.table];
        ledger.of = part.of;
        if (!ledger.done.emplace(part.number, part.count).second) complain("a part was committed twice");
        if (part.number == 0) ++data.copied[part.table];
      }
      written_.reset();
      return {};
    });
  }

  Result<std::vector<api::Finding>> run(const Schema& schema, const std::vector<std::size_t>& steps, const Effort&,
                                        const Until& until) override {
    return used(
        "writer.run", until,
        [&]() -> Result<std::vector<api::Finding>> {
          if (written_) return misuse("steps inside a transaction");
          return mine_.carry_out(schema, steps);
        },
        true);
  }

  Result<std::vector<api::Finding>> validate(const Schema& schema, const std::vector<std::size_t>& steps,
                                             const Until& until) override {
    return used("writer.validate", until, [&]() -> Result<std::vector<api::Finding>> {
      TRY(mine_.fence());
      std::vector<api::Finding> findings;
      for (const std::size_t index : steps) {
        const SchemaStep& step = schema.steps[index];
        if (mine_.data().steps.count(step.object) == 0) complain(step.object + " was validated before it was added");
        mine_.data().validated.insert(step.object);
        if (!step.orphans.empty())
          findings.push_back({api::Severity::warning, "OrphanedRows", step.object, step.orphans + " rows", ""});
      }
      return findings;
    });
  }

  Result<std::vector<api::Finding>> analyze(const std::vector<Sample>& samples, const Until& until) override {
    return used("writer.analyze", until, [&]() -> Result<std::vector<api::Finding>> {
      if (written_) return misuse("statistics inside a transaction");
      for (const auto& [subject, of, bytes, object] : samples) {
        for (const auto& [table, parts] : mine_.data().tables) {
          if (subject != table.name && subject != "all tables") continue;
          if (!mine_.data().whole(table)) complain("statistics of half a table");
        }
        // No fence: statistics are the same whoever gathers them, so only ours count here.
        if (mine_.fence()) mine_.data().analyzed.insert(subject);
      }
      return std::vector<api::Finding>{};
    });
  }

 private:
  // One call: `body` under the world's mutex. After an Error the writer is of no further use, but after run().
  template <class Body>
  auto used(const std::string& name, const Until& until, Body&& body, bool survives = false) -> decltype(body()) {
    if (broken_) complain(name + " of a writer that has failed");
    auto result = mine_.world.calls.run(name, until, [&]() -> decltype(body()) {
      const std::lock_guard lock(mine_.world.mutex);
      return body();
    });
    broken_ = broken_ || (!result && !survives);
    return result;
  }
  void complain(const std::string& what) { mine_.world.calls.complain(what); }
  Error misuse(const std::string& what) {
    complain(what);
    return {Fault::failed, what};
  }

  const Claimed mine_;
  const std::shared_ptr<int> writers_;
  const Connected connected_;
  std::optional<std::vector<Written>> written_;  // inside a transaction
  bool copying_ = false;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<TargetWriter> open_fake_writer(const Claimed& claimed, std::shared_ptr<int> writers) {
  return std::make_unique<FakeWriter>(claimed, std::move(writers));
}

}  // namespace tributary::pipeline::testing
