#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/api/report.h"

// Private to engine/api.
namespace tributary::api {

nlohmann::ordered_json write(const Finding& finding);
nlohmann::ordered_json write(const DatabaseReport& database);
nlohmann::ordered_json write(const Report& report);

// In one line; what is no UTF-8 is replaced.
std::string compact(const nlohmann::ordered_json& json);

// Takes the last of a list away; the bytes that it had, with the comma before it.
template <class T>
std::size_t drop_last(std::vector<T>& list) {
  const std::size_t saved = compact(write(list.back())).size() + (list.size() > 1 ? 1 : 0);
  list.pop_back();
  return saved;
}

}  // namespace tributary::api
