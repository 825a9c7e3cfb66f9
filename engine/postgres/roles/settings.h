#pragma once

#include <string>
#include <string_view>

// Settings as pg_db_role_setting keeps them. Pure.
namespace tributary::postgres {

// From "name=value" what follows SET: "name" = 'value'. Of the settings whose value is a list of names (search_path
// and the like, GUC_LIST_QUOTE in src/backend/utils/misc/guc_tables.c) each is quoted by itself. "" for what is none.
std::string assignment(std::string_view setting);

}  // namespace tributary::postgres
