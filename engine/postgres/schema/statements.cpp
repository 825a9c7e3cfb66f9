#include "engine/postgres/schema/statements.h"

namespace tributary::postgres {
namespace {

// The position after the closing quote. A doubled quote is part of the text; in E'...' a backslash takes away the
// meaning of what follows it.
std::size_t after_quoted(std::string_view sql, std::size_t open) {
  const char quote = sql[open];
  const bool escapes = quote == '\'' && open > 0 && (sql[open - 1] == 'E' || sql[open - 1] == 'e');
  for (std::size_t i = open + 1; i < sql.size(); ++i) {
    const bool doubled = sql[i] == quote && i + 1 < sql.size() && sql[i + 1] == quote;
    if (doubled || (escapes && sql[i] == '\\')) {
      ++i;
    } else if (sql[i] == quote) {
      return i + 1;
    }
  }
  return sql.size();
}

void add(std::vector<std::string>& statements, std::string_view statement) {
  const std::size_t begin = statement.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return;
  const std::size_t end = statement.find_last_not_of(" \t\r\n");
  statements.emplace_back(statement.substr(begin, end - begin + 1));
}

}  // namespace

std::vector<std::string> split_statements(std::string_view sql) {
  std::vector<std::string> statements;
  std::size_t begin = 0;
  std::size_t at = 0;
  while (at < sql.size()) {
    if (sql[at] == '\'' || sql[at] == '"') {
      at = after_quoted(sql, at);
      continue;
    }
    if (sql[at] == ';') {
      add(statements, sql.substr(begin, at - begin));
      begin = at + 1;
    }
    ++at;
  }
  add(statements, sql.substr(begin));
  return statements;
}

}  // namespace tributary::postgres
