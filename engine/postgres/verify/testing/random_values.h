#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

// Types and values that are drawn at random, for comparisons.
namespace tributary::testbed {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
  int between(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::size_t>(most - least) + 1));
  }
  bool once_in(std::size_t times) { return below(times) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// The characters that both databases can hold.
enum class Alphabet { latin, cyrillic, unicode };

// What both ends take.
struct ValueRules {
  int major = 12;
  Alphabet alphabet = Alphabet::unicode;
};

struct ValueType {
  std::string sql;
  std::function<std::string(Random&, const ValueRules&)> draw;  // a value as its type reads it
  bool can_be_key = false;
  bool can_divide = false;  // a table into partitions
  bool is_number = false;
  std::string other = "";      // a type that writes the same values alike, for the other end
  std::string generated = "";  // an expression of %s, a column of this type
  int since = 12;
};

const std::vector<ValueType>& value_types();

// CREATE of the types that value_types() names. On `is_target` the enum has another order.
std::string create_types(bool is_target);

// E'...'.
std::string literal_of(const std::string& text);

std::string draw_text(Random& random, const ValueRules& rules);
// Of a table or column: at most 63 bytes, in all alphabets.
std::string draw_name(Random& random, const ValueRules& rules);

}  // namespace tributary::testbed
