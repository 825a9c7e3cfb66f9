#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/postgres/client/connection.h"

// How the columns of existing tables take the values of the source's, where their names are the same.
namespace tributary::postgres {

struct ColumnFit {
  std::vector<std::string> lost;       // "public.orders.total is computed on the source alone"
  std::vector<std::string> converted;  // "public.orders.at: timestamp with time zone becomes date"
};

Result<ColumnFit> read_column_fit(Connection& target, const std::vector<model::Table>& tables, const Until& until);

// Whether every value of type `from` is the same one in type `to`, both as format_type() spells them. Pure.
bool keeps_values(const std::string& from, const std::string& to);

}  // namespace tributary::postgres
