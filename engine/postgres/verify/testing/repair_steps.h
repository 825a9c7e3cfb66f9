#pragma once

#include <map>
#include <set>
#include <string>

#include "engine/postgres/verify/repair.h"

namespace tributary::testbed {

// What would mend one database, and psql, which runs it.
class RepairSteps {
 public:
  void take(const postgres::verify::RepairStep& step);
  // As `tributary verify --repair-sql` puts them together.
  std::string text() const;
  std::string remarks() const;
  std::uint64_t mends() const { return mends_; }
  // "" or what psql said against it. Changes nothing where there is nothing.
  std::string run(const std::string& uri, const std::string& encoding = "UTF8") const;

 private:
  std::map<postgres::verify::RepairPart, std::string> parts_;
  std::set<std::string> tables_;
  std::uint64_t mends_ = 0;
};

}  // namespace tributary::testbed
