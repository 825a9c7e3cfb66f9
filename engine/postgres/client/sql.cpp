#include "engine/postgres/client/sql.h"

#include <algorithm>

namespace tributary::postgres {
namespace {

std::string_view until_nul(std::string_view text) {
  return text.substr(0, std::min(text.find('\0'), text.size()));
}

std::string enclose(std::string_view text, char quote, std::string_view doubled) {
  std::string quoted(1, quote);
  quoted.reserve(text.size() + 2);
  for (const char c : text) {
    if (doubled.find(c) != std::string_view::npos) quoted += c;
    quoted += c;
  }
  return quoted + quote;
}

}  // namespace

std::string quote_identifier(std::string_view identifier) {
  return enclose(until_nul(identifier), '"', "\"");
}

std::string quote_literal(std::string_view text) {
  text = until_nul(text);
  const bool backslash = text.find('\\') != std::string_view::npos;
  return (backslash ? "E" : "") + enclose(text, '\'', backslash ? "'\\" : "'");
}

std::string quote_name(const model::Name& name) {
  return quote_identifier(name.schema) + "." + quote_identifier(name.name);
}

}  // namespace tributary::postgres
