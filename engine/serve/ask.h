#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/until.h"

// The other end of a server of this room: one GET over a connection of its own. What stands in between, such as a
// mesh's sidecar, may put the answer otherwise (RFC 9112): with a length, in chunks, or up to the end of the
// connection.
namespace tributary::serve {

struct Answer {
  int status = 0;
  std::string body;
};

// What the bytes received so far mean; nothing where more are needed. `ended`: no more will come. Pure and total:
// `transient` for an answer that ends too early, `invalid` for what is none or is said to have more than `most` bytes.
Result<std::optional<Answer>> parse_answer(std::string_view received, bool ended, std::size_t most);

struct Question {
  std::string address;  // of IPv4 or IPv6, in digits
  std::uint16_t port = 0;
  std::string path;
  std::size_t most = std::size_t{1} << 20;  // bytes of an answer
};

// `transient` where the server cannot be reached or does not answer in time, `cancelled` when stopped.
Result<Answer> ask(const Question& question, const Until& until);

}  // namespace tributary::serve
