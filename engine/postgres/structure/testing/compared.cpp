#include "engine/postgres/structure/testing/compared.h"

#include <optional>
#include <stdexcept>

#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/structure/sequence_standing.h"

namespace tributary::postgres::structure {
namespace {

Until soon() {
  return {Deadline::after(Seconds(120)), {}};
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return std::move(result).value();
}

Connection reading(const std::string& uri) {
  Connection connection = must(open_source_session(must(parse_conninfo(uri)), "test", soon()));
  const Result<void> begun = connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", soon());
  if (!begun) throw std::runtime_error(describe(begun.error()));
  return connection;
}

std::string shown(std::optional<std::int64_t> number) {
  return number ? std::to_string(*number) : "-";
}

const char* word_of(SequenceDifference::Kind kind) {
  switch (kind) {
    case SequenceDifference::Kind::behind:
      return "behind";
    case SequenceDifference::Kind::missing:
      return "missing";
    case SequenceDifference::Kind::source_denied:
      return "source denied";
    case SequenceDifference::Kind::target_denied:
      return "target denied";
  }
  return "";
}

}  // namespace

Structure structure_of(const std::string& uri, const std::vector<model::Name>& tables) {
  Connection connection = reading(uri);
  return must(read_structure(connection, tables, tables.empty(), soon()));
}

std::vector<std::string> differences(const Structure& source, const Structure& target) {
  std::vector<std::string> lines;
  for (const Difference& each : compare(source, target))
    lines.push_back(each.kind + " " + each.object + ": " + each.source + " | " + each.target);
  return lines;
}

std::vector<std::string> sequence_differences(const std::string& source, const std::string& target,
                                              const std::vector<model::Name>& tables) {
  Connection here = reading(source);
  Connection there = reading(target);
  std::vector<std::string> lines;
  for (const SequenceDifference& each : must(compare_sequences(here, there, tables, tables.empty(), soon())))
    lines.push_back(std::string(word_of(each.kind)) + " " + model::display(each.name) + ": " + shown(each.source) +
                    " | " + shown(each.target));
  return lines;
}

std::vector<std::string> differences(const testbed::Database& source, const testbed::Database& target,
                                     const std::vector<model::Name>& tables) {
  return differences(structure_of(source.uri(), tables), structure_of(target.uri(), tables));
}

std::vector<std::string> sequence_differences(const testbed::Database& source, const testbed::Database& target,
                                              const std::vector<model::Name>& tables) {
  return sequence_differences(source.uri(), target.uri(), tables);
}

}  // namespace tributary::postgres::structure
