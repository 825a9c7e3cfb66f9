#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "engine/serve/response.h"

// The little of HTTP/1.1 (RFC 9112) that a probe needs. Pure and total: any bytes give one of three answers.
//
//   head         = request-line *( field-line CRLF ) CRLF
//   request-line = method SP "/" *visible [ "?" *visible ] SP "HTTP/1." ( "0" / "1" ) CRLF
//
// Of the field lines only one is looked at, and a body is never read:
//
//   "Authorization:" OWS "Bearer" 1*SP 1*visible OWS CRLF       (RFC 6750; names in any case)
namespace tributary::serve {

inline constexpr std::size_t head_limit = 8 * 1024;

struct Request {
  std::string method;
  std::string path;    // without the query
  std::string query;   // behind the question mark
  std::string bearer;  // the token; "" where there is none, or more than one
};

struct Incomplete {};  // more bytes are needed

// What the bytes received so far mean; a Response is the refusal of a request that will never be good.
std::variant<Incomplete, Request, Response> parse_request(std::string_view received);

}  // namespace tributary::serve
