#include "engine/postgres/roles/settings.h"

#include <set>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres {
namespace {

const std::set<std::string_view> lists_of_names = {"local_preload_libraries",   "search_path",
                                                   "session_preload_libraries", "shared_preload_libraries",
                                                   "temp_tablespaces",          "unix_socket_directories"};

// The server stores such a list with its names in double quotes where they need them.
std::string quote_each(std::string_view list) {
  std::string quoted;
  std::string name;
  bool inside = false;
  bool any = false;
  const auto end_name = [&] {
    if (any) quoted += (quoted.empty() ? "" : ", ") + quote_literal(name);
    name.clear();
    any = false;
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (c == '"' && inside && i + 1 < list.size() && list[i + 1] == '"') {
      name += list[++i];
    } else if (c == '"') {
      inside = !inside;
      any = true;
    } else if (c == ',' && !inside) {
      end_name();
    } else if (c != ' ' || inside) {
      name += c;
      any = true;
    }
  }
  end_name();
  return quoted.empty() ? "''" : quoted;
}

}  // namespace

std::string assignment(std::string_view setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0) return "";
  const std::string_view name = setting.substr(0, equals);
  const std::string_view value = setting.substr(equals + 1);
  return quote_identifier(name) + " = " + (lists_of_names.contains(name) ? quote_each(value) : quote_literal(value));
}

}  // namespace tributary::postgres
