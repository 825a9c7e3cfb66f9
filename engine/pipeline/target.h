#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/pipeline/schema.h"
#include "engine/pipeline/source.h"

// One target database with its ledger, as the pipeline sees it. Implemented by postgres/target.h.
namespace tributary::pipeline {

struct PartCount {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

// What the ledger says about a table of this replication.
struct TableRecord {
  bool done = false;  // every part of it is committed
  PartCount count;    // over its committed parts
};
using TableRecords = std::map<model::Name, TableRecord>;

// Where an earlier attempt left this replication.
enum class Standing {
  held,        // another live engine has it
  fresh,       // the ledger knows nothing of it
  unfinished,  // an earlier attempt ended before its end; what it made is known to the ledger
  complete,    // this very snapshot is done: same selection, same request
  refused,     // likewise, and who asks for it again has to say what becomes of it
};

struct Claim {
  Standing standing = Standing::fresh;
  std::string completed;  // with `complete`: when (RFC 3339), and
  model::Lsn position;    // the position it was taken at
  TableRecords tables;
  api::Consistency consistency = api::Consistency::snapshot;
  std::string holder = {};    // with `held`: a sentence that names who has it
  api::Finding refusal = {};  // with `refused`: an error
  std::int64_t epoch = 0;     // with `complete`: the one that completed it
  // With `unfinished`: that tables of this very snapshot are done for. With `complete`: that nobody needs any more.
  std::optional<FormerStream> stream = {};
};

// The end of an engine that another one keeps out. `holder` as in Claim.
inline Error kept_out_by(const std::string& holder) {
  return {Fault::fenced, holder, "let it finish, or end that session"};
}

// What the target gathers statistics of in one go.
struct Sample {
  std::string subject;              // as the target names it in a statement
  std::vector<std::size_t> tables;  // whose rows it looks at
  std::uint64_t bytes = 0;          // to be read, about
  std::string object = {};          // for people: "table public.orders"
};

struct StatisticsPlan {
  std::vector<Sample> samples;
  std::vector<api::Finding> findings;  // of what is left out
};

// What prepare() came to.
struct Prepared {
  TableRecords kept;  // of an earlier attempt
  // What is in the way, an error: then nothing of this replication is in the ledger that was not there before.
  std::optional<api::Finding> refusal = {};
};

// What a snapshot is about to put into the database.
struct Contents {
  SnapshotInfo snapshot;
  std::vector<model::Table> tables;
  Schema schema;
};

// Takes the rows of one part at a time, inside a transaction of the caller's.
class PartWriter {
 public:
  virtual ~PartWriter() = default;
  // Opens COPY for the part.
  virtual Result<void> open(const model::Table& table, const model::CopyPart& part, const Until& until) = 0;
  virtual Result<void> write(std::span<const std::byte> bytes, const Until& until) = 0;
  // Ends the COPY: rows as the target counted them, bytes as given.
  virtual Result<PartCount> close(std::uint64_t bytes, const Until& until) = 0;
};

// One connection that writes. Used by one thread. Everything between begin() and commit() is one transaction on the
// target, each part with its ledger row, into tables that prepare() left empty; destroying the writer before commit()
// undoes it. A writer that returned an Error is of no further use, except after run().
class TargetWriter : public PartWriter {
 public:
  // A batch holds one part of a large table, or several small tables whole.
  virtual Result<void> begin(const Until& until) = 0;
  // Moves the ledger's fence and commits. Fault::fenced when another engine owns the replication by now: nothing of
  // the batch was kept then.
  virtual Result<void> commit(const Until& until) = 0;

  // How much of the machine one step may take.
  struct Effort {
    std::uint64_t table_bytes = 0;  // of the table that the steps are about; sizes the sort memory
    int parallel_workers = 0;       // for an index build
  };
  // Carries out steps (by index into the schema) in one transaction of their own, each with its ledger row, outside
  // begin() ... commit(). Steps that the ledger holds already are skipped. A failing optional step becomes a
  // finding; any other failure undoes all of them and names the step.
  virtual Result<std::vector<api::Finding>> run(const Schema& schema, const std::vector<std::size_t>& steps,
                                                const Effort& effort, const Until& until) = 0;
  // Validates what foreign-key steps added. Rows without a parent are a finding that counts them; the constraint
  // then stays NOT VALID.
  virtual Result<std::vector<api::Finding>> validate(const Schema& schema, const std::vector<std::size_t>& steps,
                                                     const Until& until) = 0;
  // Statistics for the planner, of samples of Target::plan_statistics(). One transaction each: holds the lock of one at
  // a time. What the server will not gather is a finding: a copy can do without.
  virtual Result<std::vector<api::Finding>> analyze(const std::vector<Sample>& samples, const Until& until) = 0;
};

// Used by one thread, except that writers may be used by another each, and at_work() by any. Destroying it lets go of
// the claim.
class Target {
 public:
  virtual ~Target() = default;

  // Takes this replication's session lock in the database; call it again where it is held. Fault::fenced where a later
  // attempt has begun. `asked` is the epoch that the caller has called complete() in before and got no answer, 0 for
  // none: where it is complete nonetheless, that is what the claim says, whatever becomes of other complete ones.
  // Writes nothing.
  virtual Result<Claim> claim(const SourceIdentity& source, std::int64_t asked, const Until& until) = 0;
  // Whether the claim still stands; to be asked before what only its holder may do on the source. Fault::transient
  // where the session that holds it was lost, maybe to another engine: claim again.
  virtual Result<void> check_claim(const Until& until) = 0;
  // Of `contents` with the stream of an earlier attempt: whether the tables that it has finished may be kept. What
  // speaks against it is logged.
  virtual bool may_keep(const Contents& contents) const = 0;
  // Makes the database ready for `contents` as the spec's onTargetNotEmpty says: a refusal or an Error that names what
  // is in the way, or everything that an earlier attempt left is gone (tables it finished are kept where their stream
  // is, or resume_per_table asks for it), and the ledger of the new attempt stands.
  virtual Result<Prepared> prepare(const Contents& contents, const Until& until) = 0;
  // Of the attempt that prepare() began: never 0, and another for each attempt of a replication in the ledger.
  virtual std::int64_t epoch() const = 0;
  // Carries out the steps of `stage` (before_data or after_data) in order.
  virtual Result<std::vector<api::Finding>> run_in_order(const Schema& schema, Stage stage, const Until& until) = 0;
  virtual Result<std::unique_ptr<TargetWriter>> writer(const Until& until) = 0;
  // After claim(): whether a statement of this replication runs in the database and waits neither for a lock, nor for
  // us, nor for a standby.
  virtual Result<bool> at_work(const Until& until) const = 0;
  virtual Result<void> set_sequences(const std::vector<SequenceValue>& sequences, const Until& until) = 0;
  // What is to be analyzed once `tables` hold all their rows and what is built on them; they exist.
  virtual Result<StatisticsPlan> plan_statistics(const std::vector<model::Table>& tables, const Until& until) = 0;
  // Reads the ledger back and marks the snapshot complete under the fence, and its stream released where none is to
  // follow, in one transaction with what `last` does through this target on the calling thread. When it returns, the
  // mark and everything that was committed before it are durable. An Error when a table is not done or lacks changes
  // that lie below the snapshot, or of `last`.
  virtual Result<TableRecords> complete(const std::vector<model::Table>& tables,
                                        const std::function<Result<void>()>& last, const Until& until) = 0;
};

}  // namespace tributary::pipeline
