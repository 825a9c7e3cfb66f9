#pragma once

#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace tributary::postgres::pgoutput::wire {

// Changes one to four things about the messages that a server would hardly do: a bit, some bytes, an order, a place.
void mutate(std::vector<std::string>& messages, std::mt19937_64& random);

struct Exercise {
  std::size_t taken = 0;                    // messages, up to the first that was refused
  std::optional<std::string> refused = {};  // why
  std::optional<std::string> broken = {};   // what the assembler did that it never may: nothing, unless it has a fault
};

// Gives the messages to an assembler whose spool keeps next to nothing in memory, until one is refused, and reads
// every byte of every event.
Exercise exercise(const std::vector<std::string>& messages, const std::string& directory);

}  // namespace tributary::postgres::pgoutput::wire
