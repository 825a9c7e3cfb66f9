#include "engine/serve/request.h"

#include <algorithm>

#include "engine/serve/field.h"

namespace tributary::serve {
namespace {

Response refusal(int status, std::string why) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(why) + "\n"};
}

bool all_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) { return letter > ' ' && letter < 0x7F; });
}

bool is_method(std::string_view word) {
  const auto upper = [](char letter) { return letter >= 'A' && letter <= 'Z'; };
  return !word.empty() && word.size() <= 16 && std::all_of(word.begin(), word.end(), upper);
}

std::string token_in(std::string_view value) {
  constexpr std::string_view scheme = "bearer ";
  if (!same_word(value.substr(0, scheme.size()), scheme)) return "";
  const std::string_view token = trimmed(value.substr(scheme.size()));
  return all_visible(token) ? std::string(token) : "";
}

// `fields` are whole lines behind the request line, each with its end.
std::string bearer_in(std::string_view fields) {
  std::string token;
  int found = 0;
  while (!fields.empty()) {
    const Field field = take_field(fields);
    if (!same_word(field.name, "authorization")) continue;
    token = token_in(field.value);
    ++found;
  }
  return found == 1 ? token : "";
}

}  // namespace

std::variant<Incomplete, Request, Response> parse_request(std::string_view received) {
  const auto head_end = received.find("\r\n\r\n");
  if (std::min(head_end, received.size()) > head_limit) return refusal(431, "the request's head is too large");
  if (head_end == received.npos) return Incomplete{};

  const std::string_view line = received.substr(0, received.find("\r\n"));
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == line.npos || first == last) return refusal(400, "not a request");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_method(method) || !target.starts_with('/') || !all_visible(target)) return refusal(400, "not a request");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refusal(505, "HTTP/1.1 is spoken here");
  const auto mark = target.find('?');
  const std::string_view query = mark == target.npos ? "" : target.substr(mark + 1);
  const std::string_view fields = received.substr(line.size() + 2, head_end - line.size());
  return Request{std::string(method), std::string(target.substr(0, mark)), std::string(query), bearer_in(fields)};
}

}  // namespace tributary::serve
