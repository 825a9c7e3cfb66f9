#include "engine/postgres/verify/testing/repair_steps.h"

#include <filesystem>
#include <fstream>

#include "engine/postgres/testing/restore.h"
#include "engine/postgres/verify/repair_frame.h"
#include "engine/testing/process.h"
#include "engine/testing/server_files.h"

namespace tributary::testbed {

using postgres::verify::RepairPart;

void RepairSteps::take(const postgres::verify::RepairStep& step) {
  mends_ += step.mends;
  if (step.sql.empty()) return;
  parts_[step.part] += step.sql + "\n";
  if (!step.table.empty()) tables_.insert(step.table);
}

std::string RepairSteps::text() const {
  std::string text;
  for (const auto& [part, statements] : parts_)
    if (part != RepairPart::remark) text += statements;
  return text;
}

std::string RepairSteps::remarks() const {
  const auto found = parts_.find(RepairPart::remark);
  return found == parts_.end() ? "" : found->second;
}

std::string RepairSteps::run(const std::string& uri, const std::string& encoding) const {
  if (tables_.empty()) return "";
  const std::filesystem::path folder = server_folder("/tmp", "repair");
  std::ofstream(folder / "repair.sql") << postgres::verify::repair_settings(encoding)
                                       << postgres::verify::begin_repair(tables_) << text()
                                       << postgres::verify::end_repair();
  Process psql({client_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
                "--file=" + (folder / "repair.sql").string(), "--dbname=" + uri});
  const int code = psql.wait();
  std::filesystem::remove_all(folder);
  return code == 0 ? "" : std::to_string(code) + ": " + psql.errors();
}

}  // namespace tributary::testbed
