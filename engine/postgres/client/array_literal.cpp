#include "engine/postgres/client/array_literal.h"

#include <utility>

namespace tributary::postgres {

std::string array_literal(const std::vector<std::string>& elements) {
  std::string literal = "{";
  for (const std::string& element : elements) {
    literal += literal.size() == 1 ? "\"" : ",\"";
    for (const char c : element) {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
    literal += '"';
  }
  return literal + "}";
}

// array: '{' [element (',' element)*] '}'; element: '"' (character | '\\' any)* '"' | character+
Result<std::vector<std::string>> parse_array(std::string_view text) {
  const Error broken{Fault::failed, "the text of an array does not fit its grammar"};
  std::vector<std::string> elements;
  if (text == "{}") return elements;
  if (text.size() < 3 || text.front() != '{' || text.back() != '}') return broken;
  text = text.substr(1, text.size() - 2);
  std::size_t at = 0;
  while (true) {
    std::string element;
    const bool quoted = at < text.size() && text[at] == '"';
    if (quoted) {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && ++at == text.size()) return broken;
        element += text[at];
      }
      if (at++ == text.size()) return broken;
    } else {
      while (at < text.size() && text[at] != ',') element += text[at++];
      if (element.empty() || element == "NULL" || element.find_first_of("{}\"\\") != std::string::npos) return broken;
    }
    elements.push_back(std::move(element));
    if (at == text.size()) return elements;
    if (text[at++] != ',') return broken;
  }
}

}  // namespace tributary::postgres
