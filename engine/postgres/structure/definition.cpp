#include "engine/postgres/structure/definition.h"

#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace tributary::postgres::structure {
namespace {

using Tokens = std::vector<std::string_view>;

constexpr int without_needless_qualifiers = 16;
constexpr int xml_spells_indent = 16;
constexpr int procedures_spell_in = 14;

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

// Where what is quoted at `begin` ends; a doubled quote is part of it, and a backslash hides what follows where it is
// an E'' literal.
std::size_t end_of_quoted(std::string_view text, std::size_t begin, bool escapes) {
  const char quote = text[begin];
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    if (escapes && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (at + 1 == text.size() || text[at + 1] != quote) return at + 1;
      ++at;
    }
  }
  return text.size();
}

// Of $tag$ ... $tag$; `begin` where none begins there.
std::size_t end_of_dollar_quoted(std::string_view text, std::size_t begin) {
  std::size_t tag_end = begin + 1;
  while (tag_end < text.size() && text[tag_end] != '$' && is_word(text[tag_end])) ++tag_end;
  if (tag_end >= text.size() || text[tag_end] != '$') return begin;
  const std::string_view tag = text.substr(begin, tag_end + 1 - begin);
  const std::size_t end = text.find(tag, tag_end + 1);
  return end == std::string_view::npos ? begin : end + tag.size();
}

std::size_t end_of_token(std::string_view text, std::size_t begin) {
  const char first = text[begin];
  if (first == '\'' || first == '"') return end_of_quoted(text, begin, false);
  if (first == 'E' && begin + 1 < text.size() && text[begin + 1] == '\'') return end_of_quoted(text, begin + 1, true);
  if (first == '$') {
    const std::size_t end = end_of_dollar_quoted(text, begin);
    if (end != begin) return end;
  }
  if (!is_word(first)) return begin + 1;
  std::size_t end = begin + 1;
  while (end < text.size() && is_word(text[end])) ++end;
  return end;
}

Tokens tokens_of(std::string_view text) {
  Tokens tokens;
  for (std::size_t at = 0; at < text.size();) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    const std::size_t end = end_of_token(text, at);
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

bool is_at(const Tokens& tokens, std::size_t at, std::string_view token) {
  return at < tokens.size() && tokens[at] == token;
}

void leave_out_no_indent(Tokens& tokens) {
  Tokens kept;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    if (is_at(tokens, at, "NO") && is_at(tokens, at + 1, "INDENT"))
      ++at;
    else
      kept.push_back(tokens[at]);
  }
  tokens = std::move(kept);
}

// Its body is one token.
void leave_out_in(Tokens& tokens) {
  if (tokens.size() > 3 && tokens[3] == "PROCEDURE") std::erase(tokens, "IN");
}

// A name and a point before a column; a function's schema means something.
bool is_qualifier_of(const Tokens& tokens, std::size_t at, std::string_view column) {
  return is_at(tokens, at + 1, ".") && is_at(tokens, at + 2, column) && !is_at(tokens, at + 3, "(");
}

// Whether `qualified` is `plain` but for further qualifiers.
bool same_but_for_qualifiers(const Tokens& qualified, const Tokens& plain) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < plain.size(); ++at) {
    if (is_at(qualified, at, plain[i])) {
      ++i;
    } else if (is_qualifier_of(qualified, at, plain[i])) {
      ++at;
    } else if (i > 0 && is_at(qualified, at, ".") && is_at(qualified, at + 1, plain[i - 1])) {
      ++at;  // A relation and its column bear one name.
    } else {
      return false;
    }
  }
  if (is_at(qualified, at, ".") && !plain.empty() && is_at(qualified, at + 1, plain.back())) at += 2;
  return at == qualified.size();
}

}  // namespace

bool same_definition(Spelling one, Spelling other) {
  if (one.text == other.text) return true;
  if (one.major == other.major) return false;
  if (one.major > other.major) std::swap(one, other);
  Tokens older = tokens_of(one.text);
  Tokens newer = tokens_of(other.text);
  if (one.major < procedures_spell_in) {
    leave_out_in(older);
    leave_out_in(newer);
  }
  if (one.major < xml_spells_indent) leave_out_no_indent(newer);
  if (one.major < without_needless_qualifiers && other.major >= without_needless_qualifiers)
    return same_but_for_qualifiers(older, newer);
  return older == newer;
}

}  // namespace tributary::postgres::structure
