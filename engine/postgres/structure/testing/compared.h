#pragma once

#include <string>
#include <vector>

#include "engine/model/name.h"
#include "engine/postgres/structure/structure.h"
#include "engine/testing/postgres_server.h"

// Two databases of test servers, compared as the engine does: in sessions with its settings, within REPEATABLE READ
// READ ONLY transactions. Of everything, or of the `tables` that are named.
namespace tributary::postgres::structure {

// "type public.t.c: integer | bigint".
std::vector<std::string> differences(const Structure& source, const Structure& target);
std::vector<std::string> differences(const testbed::Database& source, const testbed::Database& target,
                                     const std::vector<model::Name>& tables = {});

// "behind public.s: 10 | 9", with "-" for a number that is not known.
std::vector<std::string> sequence_differences(const testbed::Database& source, const testbed::Database& target,
                                              const std::vector<model::Name>& tables = {});

// By their URIs, for other roles.
Structure structure_of(const std::string& uri, const std::vector<model::Name>& tables = {});
std::vector<std::string> sequence_differences(const std::string& source, const std::string& target,
                                              const std::vector<model::Name>& tables = {});

}  // namespace tributary::postgres::structure
