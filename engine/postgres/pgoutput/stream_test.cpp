#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include "engine/postgres/pgoutput/assembler.h"
#include "engine/postgres/pgoutput/testing/told.h"
#include "engine/postgres/pgoutput/testing/wire.h"

namespace tributary::postgres::pgoutput {
namespace {

using testing::ElementsAre;
using wire::assembled;
using wire::text;
using Messages = std::vector<std::string>;

std::string described(const std::string& schema, TransactionId xid) {
  return wire::relation(1, schema, "t", 'd', {{"id", 1}}, xid);
}

std::string inserted(const std::string& value, TransactionId xid) {
  return wire::insert(1, {text(value)}, xid);
}

Messages told_of(const Messages& messages) {
  Assembler assembler(Spool(testing::TempDir(), 50));
  return assembled(assembler, messages);
}

TEST(AStreamedTransaction, is_told_when_it_commits) {
  EXPECT_THAT(told_of({wire::stream_start(800, true), wire::origin(0, "elsewhere"), wire::type(16500, "s", "mood", 800),
                       described("public", 800), inserted("1", 800), wire::stream_stop(), wire::begin(0x10, 0, 700),
                       described("public", 0), inserted("2", 0), wire::commit(0x10, 0x12, 0),
                       wire::stream_start(800, false), inserted("3", 801), wire::message(true, 1, "p", "c", 800),
                       wire::truncate({1}, 0, 800), wire::stream_stop(), wire::stream_commit(800, 0x20, 0x22, 0)}),
              ElementsAre("begin 0/10 of 700", "insert public.t (2)", "commit 0/10 end 0/12",  //
                          "begin 0/20 of 800", "insert public.t (1)", "insert public.t (3)", "truncate public.t",
                          "commit 0/20 end 0/22"));
}

TEST(AStreamedTransaction, that_is_rolled_back_leaves_no_trace) {
  EXPECT_THAT(told_of({wire::stream_start(800, true), described("public", 800), inserted("1", 801), wire::stream_stop(),
                       wire::stream_abort(800, 801), wire::stream_abort(800, 800)}),
              ElementsAre());
}

TEST(AStreamedTransaction, of_which_all_was_undone_is_told_empty) {
  EXPECT_THAT(told_of({wire::stream_start(800, true), described("public", 801), inserted("1", 801), wire::stream_stop(),
                       wire::stream_abort(800, 801), wire::stream_commit(800, 0x20, 0x22, 0)}),
              ElementsAre("begin 0/20 of 800", "commit 0/20 end 0/22"));
}

TEST(AStreamedTransaction, is_told_in_pieces) {
  Assembler assembler(Spool(testing::TempDir(), 1000));
  Messages messages{wire::stream_start(800, true), described("public", 800)};
  for (int row = 0; row < 5000; ++row) messages.push_back(inserted(std::to_string(row), 800));
  messages.push_back(wire::stream_stop());
  assembled(assembler, messages);

  model::Batch first;
  ASSERT_TRUE(assembler.take(wire::bytes(wire::stream_commit(800, 0x20, 0x22, 0)), first).ok());
  std::size_t events = first.events().size();
  int pieces = 0;
  for (bool more = true; more; ++pieces) {
    model::Batch batch;
    const Result<bool> replayed = assembler.replay(batch, 10'000);
    ASSERT_TRUE(replayed.ok());
    more = replayed.value();
    EXPECT_LT(batch.bytes(), 11'000u);
    EXPECT_FALSE(batch.empty());
    events += batch.events().size();
  }
  EXPECT_EQ(events, 5002u);
  EXPECT_GT(pieces, 50);
}

// The server counts on the description from the stream after its commit (pgoutput.c: cleanup_rel_sync_cache).
TEST(ADescription, from_a_stream_holds_for_others_from_its_commit_on) {
  EXPECT_THAT(told_of({wire::stream_start(800, true), described("public", 800), inserted("1", 800), wire::stream_stop(),
                       wire::stream_commit(800, 0x20, 0x22, 0), wire::begin(0x30, 0, 701), inserted("2", 0)}),
              ElementsAre("begin 0/20 of 800", "insert public.t (1)", "commit 0/20 end 0/22",  //
                          "begin 0/30 of 701", "insert public.t (2)"));
}

// ALTER SCHEMA ... RENAME takes no lock that a running transaction would hold up.
TEST(ADescription, from_a_stream_does_not_replace_one_that_came_later) {
  EXPECT_THAT(told_of({wire::stream_start(800, true), described("before", 800), inserted("1", 800), wire::stream_stop(),
                       wire::begin(0x10, 0, 700), described("after", 0), inserted("2", 0), wire::commit(0x10, 0x12, 0),
                       wire::stream_commit(800, 0x20, 0x22, 0), wire::begin(0x30, 0, 701), inserted("3", 0)}),
              ElementsAre("begin 0/10 of 700", "insert after.t (2)", "commit 0/10 end 0/12",   //
                          "begin 0/20 of 800", "insert before.t (1)", "commit 0/20 end 0/22",  //
                          "begin 0/30 of 701", "insert after.t (3)"));
}

// A transaction on the source: what its session does, and what the server sends of it.
class Transaction {
 public:
  Transaction(TransactionId& next, std::mt19937_64& random) : next_(next), random_(random), levels_{{next++, {}}} {}

  void savepoint() {
    if (levels_.size() < 6) levels_.push_back({0, {}});
  }

  // A transaction that writes gets its id then, those around it first.
  void write(const std::string& value) {
    for (Level& level : levels_) {
      if (level.id == 0) level.id = next_++;
    }
    changes_.push_back({levels_.back().id, value});
  }

  void release() {
    if (levels_.size() == 1) return;
    const std::vector<TransactionId> ended = end_level();
    std::vector<TransactionId>& released = levels_.back().released;
    released.insert(released.end(), ended.begin(), ended.end());
  }

  void roll_back_to_savepoint(Messages& out) {
    if (levels_.size() > 1) undo(end_level(), out);
  }

  void stream(Messages& out) {
    if (sent_ == changes_.size()) return;
    out.push_back(wire::stream_start(id(), !streamed_));
    for (; sent_ < changes_.size(); ++sent_) {
      const Change& change = changes_[sent_];
      if (!described_) out.push_back(described("public", change.of));
      described_ = true;
      out.push_back(inserted(change.value, change.of));
    }
    out.push_back(wire::stream_stop());
    streamed_ = true;
  }

  void roll_back(Messages& out) {
    while (levels_.size() > 1) release();
    undo(end_level(), out);
  }

  void commit(std::uint64_t lsn, Messages& out, Messages& expected) {
    expected.push_back("begin " + to_string(model::Lsn{lsn}) + " of " + std::to_string(id()));
    for (const Change& change : changes_) expected.push_back("insert public.t (" + change.value + ")");
    expected.push_back("commit " + to_string(model::Lsn{lsn}) + " end " + to_string(model::Lsn{lsn + 8}));
    if (streamed_) {
      stream(out);
      out.push_back(wire::stream_commit(id(), lsn, lsn + 8, 0));
      return;
    }
    out.push_back(wire::begin(lsn, 0, id()));
    out.push_back(described("public", 0));
    for (const Change& change : changes_) out.push_back(inserted(change.value, 0));
    out.push_back(wire::commit(lsn, lsn + 8, 0));
  }

 private:
  struct Level {
    TransactionId id = 0;
    std::vector<TransactionId> released;  // that ended well within it
  };
  struct Change {
    TransactionId of = 0;
    std::string value;
  };

  TransactionId id() const { return levels_.front().id; }

  // The innermost level and what was released in it, in the order in which an abort names them.
  std::vector<TransactionId> end_level() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    std::sort(level.released.begin(), level.released.end());
    if (level.id != 0) level.released.push_back(level.id);
    top_ = level.id;
    return level.released;
  }

  // The server tells of an abort where it has sent anything of that subtransaction, and then describes tables anew.
  void undo(const std::vector<TransactionId>& undone, Messages& out) {
    const TransactionId top = levels_.empty() ? top_ : id();
    for (const TransactionId one : undone) {
      const auto sent = changes_.begin() + static_cast<std::ptrdiff_t>(sent_);
      const bool was_sent = std::any_of(changes_.begin(), sent, [&](const Change& change) { return change.of == one; });
      if (!streamed_ || !(was_sent || one == top || random_() % 4 == 0)) continue;
      out.push_back(random_() % 2 == 0 ? wire::stream_abort(top, one) : wire::stream_abort(top, one, 0x99, 1));
      described_ = false;
    }
    const std::set<TransactionId> gone(undone.begin(), undone.end());
    std::vector<Change> left;
    std::size_t left_sent = 0;
    for (std::size_t at = 0; at < changes_.size(); ++at) {
      if (gone.count(changes_[at].of) != 0) continue;
      left_sent += at < sent_ ? 1 : 0;
      left.push_back(changes_[at]);
    }
    changes_ = std::move(left);
    sent_ = left_sent;
  }

  TransactionId& next_;
  std::mt19937_64& random_;
  std::vector<Level> levels_;
  std::vector<Change> changes_;
  std::size_t sent_ = 0;
  bool streamed_ = false;
  bool described_ = false;
  TransactionId top_ = 0;
};

struct History {
  Messages messages;
  Messages expected;
};

// Several sessions in turn.
History random_history(std::mt19937_64& random) {
  History history;
  TransactionId next = 700;
  std::uint64_t lsn = 0x1000;
  int value = 0;
  std::vector<std::unique_ptr<Transaction>> running;
  const auto end = [&](std::size_t at, bool well) {
    if (well) running[at]->commit(lsn += 16, history.messages, history.expected);
    if (!well) running[at]->roll_back(history.messages);
    running[at] = std::make_unique<Transaction>(next, random);
  };
  for (int session = 0; session < 4; ++session) running.push_back(std::make_unique<Transaction>(next, random));
  for (int step = 0; step < 300; ++step) {
    const std::size_t at = random() % running.size();
    const std::uint64_t choice = random() % 100;
    if (choice < 45) {
      running[at]->write(std::to_string(++value) + std::string(random() % 40, '.'));
    } else if (choice < 60) {
      running[at]->savepoint();
    } else if (choice < 70) {
      running[at]->release();
    } else if (choice < 80) {
      running[at]->roll_back_to_savepoint(history.messages);
    } else if (choice < 94) {
      running[at]->stream(history.messages);
    } else {
      end(at, choice < 98);
    }
  }
  return history;
}

TEST(StreamedTransactions, in_any_order_are_told_as_they_committed) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::size_t told = 0;
  for (int run = 0; run < 400; ++run) {
    const History history = random_history(random);
    Assembler assembler(Spool(testing::TempDir(), random() % 3000));
    ASSERT_EQ(assembled(assembler, history.messages, random() % 2000), history.expected) << "run " << run;
    told += history.expected.size();
  }
  EXPECT_GT(told, 1000u);
}

}  // namespace
}  // namespace tributary::postgres::pgoutput
