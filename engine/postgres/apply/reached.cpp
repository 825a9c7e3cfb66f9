#include "engine/postgres/apply/reached.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tributary::postgres::apply {

void Reached::take(const model::Event& event) {
  using Kind = model::Event::Kind;
  switch (event.kind) {
    case Kind::begin:
      has_change_ = false;
      return;
    case Kind::insert:
    case Kind::update:
    case Kind::remove:
    case Kind::truncate:
      has_change_ = true;
      return;
    case Kind::commit:
      if (event.end <= position_.applied) return;
      position_.commit = event.time;
      if (has_change_) position_.witness = {event.lsn, event.end, event.time};
      break;
    case Kind::idle:
      break;
  }
  position_.applied = std::max(position_.applied, event.end);
}

std::string spell(WallTime time) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(micros < 0 ? micros + 1'000'000 : micros));
  std::string text = rfc3339(std::chrono::floor<std::chrono::seconds>(time));
  text.pop_back();
  return text + fraction;
}

}  // namespace tributary::postgres::apply
