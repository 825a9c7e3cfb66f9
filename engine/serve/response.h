#pragma once

#include <functional>
#include <map>
#include <string>

namespace tributary::serve {

struct Request;

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string allow = {};  // the methods that a path knows, of one that was asked with another
};

// Answers GET and HEAD of one path. Called on the server's thread, so it must not wait for anything.
using Handler = std::function<Response()>;
// The same for POST, of a request that was read to the end of its head.
using Command = std::function<Response(const Request&)>;

// What a path knows; a method without a function is refused.
struct Route {
  Handler get = {};
  Command post = {};
};
using Routes = std::map<std::string, Route, std::less<>>;  // by path: "/healthz"

// The bytes on the wire. The connection is always closed afterwards; HEAD gets no body but its length.
std::string encode(const Response& response, bool with_body);

}  // namespace tributary::serve
