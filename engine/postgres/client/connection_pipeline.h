#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// Statements of a connection that are sent without waiting for the answer of the one before. Rules from the
// PostgreSQL documentation, chapter "libpq", "Pipeline Mode".
namespace tributary::postgres {

// A parameter of a prepared statement.
struct Parameter {
  enum class Format : std::uint8_t { text, binary };
  std::optional<std::string_view> bytes;  // nothing is NULL; in text form without a NUL byte
  Format format = Format::text;
};

// Borrows its connection, which serves nothing else until finish(). Answers are looked at in the order of their
// statements whenever the socket holds some, so that neither side ever waits for the other to read; at most about
// 64 KiB and one statement are unsent. One thread.
//
// The first statement that fails, or that touches another number of rows than was expected, ends the pipeline: the
// server skips what was sent behind one that failed, and carries out what was sent behind one that was not as expected,
// so let no COMMIT follow before finish(). The Error then comes from whichever call learns of it, with
// Connection::sqlstate() and diagnosis() as ever, and failed() tells whose it is. The connection is out of pipeline
// mode then, or not usable.
class Pipeline {
 public:
  using Tag = const void*;  // what a statement is to the caller

  explicit Pipeline(Connection& connection);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  // An unfinished one takes its connection along: it is not usable any more, and the server is told to stop.
  ~Pipeline();

  // `types` are OIDs of the parameters, 0 where the server is to infer one.
  Result<void> prepare(const std::string& name, const std::string& sql, std::span<const std::uint32_t> types, Tag tag,
                       const Until& until);
  // `rows`: as many as must be touched (or, of a SELECT, found); nothing where any number will do.
  Result<void> execute(const std::string& name, std::span<const Parameter> parameters,
                       std::optional<std::uint64_t> rows, Tag tag, const Until& until);
  // One statement without parameters.
  Result<void> run(const std::string& sql, Tag tag, const Until& until);

  // Hands everything to the network and looks at the answers that are there.
  Result<void> flush(const Until& until);
  // Waits for all answers and leaves pipeline mode; with an empty one nothing is sent. The next statement enters anew.
  Result<void> finish(const Until& until);

  // After an Error, until the next call: the tag of the statement that it is about, or nothing where it is about none.
  std::optional<Tag> failed() const { return failed_; }

 private:
  struct Expected {
    Tag tag = nullptr;
    std::optional<std::uint64_t> rows;
    bool is_end = false;
  };

  Result<void> enter();
  Result<void> sent(std::size_t bytes, const Expected& expected, const Until& until);
  Result<void> collect();
  Result<void> take_answer(const void* result);
  Result<void> wait_for_answers(const Until& until);
  Result<void> leave();
  Error give_up(Error error, const Until& until);

  Connection* connection_;
  bool active_ = false;
  bool ending_ = false;  // the end was sent
  std::deque<Expected> expected_;
  std::size_t unsent_ = 0;      // at most
  std::optional<Error> error_;  // the first
  std::optional<Tag> failed_;
  std::string texts_;  // with a NUL behind each
  std::vector<const char*> values_;
  std::vector<int> sizes_;
  std::vector<int> formats_;
};

}  // namespace tributary::postgres
