#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/pipeline/copy.h"
#include "engine/pipeline/testing/fake_servers.h"

namespace tributary::pipeline::testing {

// The database `shop` of a new world, made ready for copy_database() as a session does it.
class Copying {
 public:
  explicit Copying(int streams, SourceDatabase database = any_database());

  Result<std::vector<api::Finding>> run(const Until& until = {});

  World world;
  ProgressBoard board{""};
  std::size_t before = 0;  // calls that made it ready: the first of the copy itself is the next one
  Contents contents;
  std::vector<bool> kept;
  std::function<Result<void>(const Until&)> beside;
  Milliseconds watch_period{5'000};

  SourceDatabase& source() { return world.source["shop"]; }
  TargetDatabase& target() { return world.target["shop"]; }
  void let_go() { link_.reset(); }

 private:
  const int streams_;
  std::unique_ptr<Link> link_;
};

// All rows of a source, as TargetDatabase::rows.
std::map<model::Name, std::multiset<std::string>> rows_of(const SourceDatabase& source);

}  // namespace tributary::pipeline::testing
