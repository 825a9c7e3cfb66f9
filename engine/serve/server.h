#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/serve/response.h"

// A very small HTTP server for probes, status and orders without a body: GET, HEAD and POST of fixed paths, one request
// per connection. It knows no endpoint of its own. Not for uploads, TLS or the public internet; a hostile peer can cost
// it a bounded amount of memory (connections x 8 KiB) and no more than its own answer.
namespace tributary::serve {

struct Limits {
  std::size_t connections = 32;       // a further one displaces the oldest
  Milliseconds exchange_time{5'000};  // from accept to the end of the answer; then the connection is closed
};

class Server {
 public:
  // Listens at once (see listener.h for the forms of an address) and answers on a thread of its own until destroyed.
  static Result<std::unique_ptr<Server>> open(std::string_view address, Routes routes, Limits limits = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;

 private:
  struct Loop;
  explicit Server(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace tributary::serve
