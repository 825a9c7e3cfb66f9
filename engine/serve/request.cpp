#include "engine/serve/request.h"

#include <algorithm>

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
  return Request{std::string(method), std::string(target.substr(0, target.find('?')))};
}

}  // namespace tributary::serve
