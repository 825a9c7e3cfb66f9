#pragma once

#include <nlohmann/json.hpp>

#include "engine/api/json_reader.h"
#include "engine/api/verification.h"

// The part of a report's JSON that `verify` adds. Private to engine/api.
namespace tributary::api {

nlohmann::ordered_json write(const RowDifference& row);
nlohmann::ordered_json write(const TableVerification& table);
nlohmann::ordered_json write(const ObjectDifference& object);
nlohmann::ordered_json write(const Unread& unread);
nlohmann::ordered_json write(const Verification& verification);

void read_verification(JsonReader& in, Verification& verification);

}  // namespace tributary::api
