#include "engine/postgres/verify/table_reader.h"

#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/postgres/verify/copy_fields.h"
#include "engine/postgres/verify/table_sql.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Both;
using tributary::verify::Digests;
using tributary::verify::Mark;
using tributary::verify::MarkStream;
using tributary::verify::Subset;

constexpr Milliseconds look_around{1'000};
constexpr std::size_t fields_before_key = 3;

Digests digests_in(const Rows& rows) {
  Digests digests;
  for (int row = 0; row < rows.size(); ++row)
    digests[static_cast<std::uint64_t>(rows.integer(row, 0))] = {static_cast<std::uint64_t>(rows.integer(row, 1)),
                                                                 rows.str(row, 2)};
  return digests;
}

template <class Number>
bool read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

Result<Mark> mark_in(std::vector<std::string> fields) {
  Mark mark;
  if (fields.size() <= fields_before_key || !read(fields[0], mark.key_hash) || !read(fields[1], mark.row_hash) ||
      !read(fields[2], mark.copies))
    return Error{Fault::failed, "the server answered with a row that was not asked for"};
  mark.key.assign(std::make_move_iterator(fields.begin() + fields_before_key), std::make_move_iterator(fields.end()));
  return mark;
}

class CopiedMarks final : public MarkStream {
 public:
  CopiedMarks(CopyOut rows, const std::function<void()>& alive) : rows_(std::move(rows)), alive_(alive) {}

  // The server sorts all of them before it sends the first.
  Result<std::optional<Mark>> next(const Until& until) override {
    while (!TRY(rows_.begun(look_around, until))) alive_();
    const std::span<const std::byte> row = TRY(rows_.next(until));
    if (row.empty()) return std::optional<Mark>{};
    if (++count_ % 10'000 == 0) alive_();
    std::vector<std::string> fields = TRY(copy_fields({reinterpret_cast<const char*>(row.data()), row.size()}));
    Mark mark = TRY(mark_in(std::move(fields)));
    return std::optional<Mark>{std::move(mark)};
  }

 private:
  CopyOut rows_;
  const std::function<void()>& alive_;
  std::uint64_t count_ = 0;
};

}  // namespace

Result<Rows> answer_of(Running& running, const std::function<void()>& alive, const Until& until) {
  while (true) {
    std::optional<Rows> answer = TRY(running.wait(look_around, until));
    if (answer) return std::move(*answer);
    alive();
  }
}

Result<Both<Digests>> TableReader::digests(const Subset& subset, int bits, const Until& until) {
  Running source = TRY(sessions_.source.begin(digest_sql(pair_, pair_.ends.source, dialect_, subset, bits), until));
  Running target = TRY(sessions_.target.begin(digest_sql(pair_, pair_.ends.target, dialect_, subset, bits), until));
  const Result<Rows> here = answer_of(source, alive_, until);
  if (!here) return within("the source", here.error());
  const Result<Rows> there = answer_of(target, alive_, until);
  if (!there) return within("the target", there.error());
  return Both<Digests>{digests_in(*here), digests_in(*there)};
}

Result<Both<std::unique_ptr<MarkStream>>> TableReader::marks(const Subset& subset, const Until& until) {
  CopyOut source = TRY(sessions_.source.begin_copy_out(marks_sql(pair_, pair_.ends.source, dialect_, subset), until));
  CopyOut target = TRY(sessions_.target.begin_copy_out(marks_sql(pair_, pair_.ends.target, dialect_, subset), until));
  return Both<std::unique_ptr<MarkStream>>{std::make_unique<CopiedMarks>(std::move(source), alive_),
                                           std::make_unique<CopiedMarks>(std::move(target), alive_)};
}

}  // namespace tributary::postgres::verify
