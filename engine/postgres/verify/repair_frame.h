#pragma once

#include <set>
#include <string>

// What stands around the statements that would mend one database, so that they change the rows they name and no others,
// all or none; pure.
namespace tributary::postgres::verify {

// Settings under which values are read as they were written. `encoding` is that of what follows.
std::string repair_settings(const std::string& encoding);

// Begins a transaction in which no trigger, rule or foreign key acts, and ends it where that cannot be had. `tables`
// are those that will be changed, quoted.
std::string begin_repair(const std::set<std::string>& tables);
// Looks at what was not enforced meanwhile, and commits.
std::string end_repair();

}  // namespace tributary::postgres::verify
