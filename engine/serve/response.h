#pragma once

#include <functional>
#include <map>
#include <string>

namespace tributary::serve {

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Answers GET and HEAD of one path. Called on the server's thread, so it must not wait for anything.
using Handler = std::function<Response()>;
using Routes = std::map<std::string, Handler, std::less<>>;  // by path: "/healthz"

// The bytes on the wire. The connection is always closed afterwards; HEAD gets no body but its length.
std::string encode(const Response& response, bool with_body);

}  // namespace tributary::serve
