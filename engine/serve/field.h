#pragma once

#include <string_view>

// The fields of a head, of a request as of an answer (RFC 9112, 5). Pure and total.
namespace tributary::serve {

constexpr std::string_view line_end = "\r\n";

struct Field {
  std::string_view name;  // empty where the line is none
  std::string_view value;
};

// Takes the first line off `lines`; the last one may lack its end.
Field take_field(std::string_view& lines);

std::string_view trimmed(std::string_view text);
// Whatever the case of the letters of `text`.
bool same_word(std::string_view text, std::string_view lower);

}  // namespace tributary::serve
