#include "engine/cli/verification_verdict.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "engine/base/counted.h"
#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

using api::Comparison;

constexpr std::size_t most_named = 3;

// "1 table is", "14 tables are".
std::string with_verb(std::uint64_t number, const std::string& noun, const char* of_one, const char* of_many) {
  return count_text(number) + " " + noun + (number == 1 ? "" : "s") + " " + (number == 1 ? of_one : of_many);
}

std::uint64_t sequences_of(const api::Verification& found, const std::string& kind) {
  return static_cast<std::uint64_t>(std::count_if(found.sequences.begin(), found.sequences.end(),
                                                  [&](const auto& sequence) { return sequence.kind == kind; }));
}

std::map<std::string, std::uint64_t> unread_of(const api::Verification& found) {
  std::map<std::string, std::uint64_t> kinds;
  for (const api::Unread& unread : found.unread) kinds[unread.kind] += unread.count;
  return kinds;
}

std::string row_differences(const api::Verification& found) {
  std::uint64_t differing = 0;
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
  for (const api::TableVerification& table : found.tables) {
    differing += table.differing;
    missing += table.missing;
    extra += table.extra;
  }
  return differences_text(differing, missing, extra);
}

std::string tables_text(const api::Verification& found) {
  const std::string tables = count_text(found.tables_compared) + (found.tables_compared == 1 ? " table" : " tables");
  if (found.tables_different > 0)
    return count_text(found.tables_different) + " of " + tables +
           (found.tables_different == 1 ? " differs" : " differ") + ": " + row_differences(found);
  return tables + " with " + count_text(found.rows) + (found.rows == 1 ? " row" : " rows") +
         (found.tables_compared == 1 ? " is equal" : " are equal");
}

std::string message_of(const api::Verification& found) {
  std::string message = found.tables_compared > 0 ? tables_text(found) : "no table was compared";
  if (const std::uint64_t behind = sequences_of(found, "sequence"); behind > 0)
    message += "; " + with_verb(behind, "sequence", "is behind", "are behind");
  if (const std::uint64_t closed = sequences_of(found, "unreadable sequence"); closed > 0)
    message += "; " + with_verb(closed, "sequence", "may not be read", "may not be read");
  if (found.tables_not_compared > 0)
    message += "; " + with_verb(found.tables_not_compared, "table", "was not compared", "were not compared");
  else if (found.result == Comparison::not_compared && found.tables_compared > 0)
    message += "; not everything could be compared";
  if (!found.kept_since.empty())
    message += "; " + with_verb(found.kept_rows, "row", "was", "were") + " compared by an interrupted attempt, from " +
               found.kept_since + " on";
  for (const auto& [kind, count] : unread_of(found))
    message += "; " + with_verb(count, kind, "is", "are") + " no part of it";
  if (!found.structure.empty()) message += "; the schema differs in " + counted(found.structure.size(), "place");
  return message;
}

// One for each database whose schema is another: it says nothing of the data, and its rows may be equal.
std::vector<api::Finding> findings_of(const std::vector<api::ObjectDifference>& structure) {
  std::map<std::string, std::vector<std::string>> databases;
  for (const api::ObjectDifference& one : structure) databases[one.database].push_back(one.kind + " " + one.object);
  std::vector<api::Finding> findings;
  for (const auto& [database, objects] : databases) {
    std::string named;
    for (std::size_t i = 0; i < objects.size() && i < most_named; ++i) named += (i == 0 ? "" : ", ") + objects[i];
    if (objects.size() > most_named) named += " and " + std::to_string(objects.size() - most_named) + " more";
    findings.push_back({api::Severity::warning, "SchemaDiffers", "database " + database,
                        "the schema is not the source's: " + named, "the report lists both definitions of each"});
  }
  return findings;
}

}  // namespace

std::string differences_text(std::uint64_t differing, std::uint64_t missing, std::uint64_t extra) {
  return with_verb(differing, "row", "differs", "differ") + ", " + count_text(missing) +
         (missing == 1 ? " is" : " are") + " missing, " + count_text(extra) + " too many";
}

std::uint64_t differences_in(const api::Verification& verification) {
  std::uint64_t differences = sequences_of(verification, "sequence");
  for (const api::TableVerification& table : verification.tables) {
    const std::uint64_t rows = table.differing + table.missing + table.extra;
    differences += rows == 0 && table.result == Comparison::different ? 1 : rows;
  }
  return differences;
}

std::string repair_hint(const std::string& place, std::uint64_t statements, std::uint64_t unmended) {
  const std::string left = with_verb(unmended, "difference", "is", "are") + " not mended by it, and it says why";
  if (statements > 0)
    return "read what " + place + " has, " + counted(statements, "statement") +
           " that would mend the target, before psql runs it" + (unmended > 0 ? "; " + left : "");
  return unmended > 0 ? "read what " + place + " has: " + left : "";
}

api::Report judged(api::Verification verification) {
  api::Report report;
  report.message = message_of(verification);
  report.findings = findings_of(verification.structure);
  if (verification.result == Comparison::different) {
    report.exit_code = api::ExitCode::differences;
    report.reason = "VerifyMismatch";
    report.hint =
        "tributary verify --show-values tells what the rows hold, and --repair-sql FILE writes statements that would "
        "mend the target; tributary recopy copies tables again beside a sync";
  } else if (verification.result == Comparison::equal) {
    report.exit_code = api::ExitCode::done;
    report.reason = "Verified";
  } else {
    report.exit_code = api::ExitCode::failed;
    report.reason = "VerifyIncomplete";
    report.hint = verification.tables_compared + verification.tables_not_compared == 0
                      ? "check that the selection names tables of the source"
                      : "the report says of each table why it was not compared";
  }
  report.verification = std::move(verification);
  return report;
}

}  // namespace tributary::cli
