#pragma once

#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace tributary {

// The words of a closed set and their meanings; literals, so that each word ends with a NUL.
template <class E>
using Words = std::vector<std::pair<std::string_view, E>>;

// Every meaning has a word.
template <class E>
const char* word_for(const Words<E>& words, E meaning) {
  for (const auto& [word, known] : words) {
    if (known == meaning) return word.data();
  }
  std::abort();
}

template <class E>
std::optional<E> meaning_of(const Words<E>& words, std::string_view text) {
  for (const auto& [word, meaning] : words) {
    if (word == text) return meaning;
  }
  return std::nullopt;
}

}  // namespace tributary
