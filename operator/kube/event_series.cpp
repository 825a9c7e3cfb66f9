#include "operator/kube/event_series.h"

#include <algorithm>

namespace tributary::kube {
namespace {

constexpr Seconds ends_after{360};
constexpr Seconds written_every{1800};
constexpr std::size_t most_known = 1000;

// Bytes that are no UTF-8 are replaced, as they are in what is sent: a note may hold what some server said.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string identity_of(const Object& event) {
  const Json& json = event.json();
  return text_of(Json::array({text_at(json, {"type"}), text_at(json, {"reason"}), text_at(json, {"action"}),
                              text_at(json, {"note"}), text_at(json, {"reportingController"}),
                              text_at(json, {"reportingInstance"}), text_at(json, {"regarding", "apiVersion"}),
                              text_at(json, {"regarding", "kind"}), text_at(json, {"regarding", "namespace"}),
                              text_at(json, {"regarding", "name"}), text_at(json, {"regarding", "uid"})}));
}

}  // namespace

EventWrite EventSeries::write(Known& known, WallTime now) {
  known.written = known.count;
  known.last_written = now;
  EventWrite out{Object(Json::parse(known.event)), true};
  out.event.json()["series"] = {{"count", known.count}, {"lastObservedTime", micro_time(known.last)}};
  return out;
}

std::optional<EventWrite> EventSeries::note(const Object& event, WallTime now) {
  const std::string identity = identity_of(event);
  const auto found = known_.find(identity);
  if (found == known_.end()) {
    if (known_.size() >= most_known) forget_oldest();
    known_.emplace(identity, Known{.event = text_of(event.json()), .last = now, .last_written = now});
    return EventWrite{event};
  }
  Known& known = found->second;
  ++known.count;
  known.last = now;
  if (known.count > 2) return std::nullopt;
  return write(known, now);
}

std::vector<EventWrite> EventSeries::due(WallTime now) {
  std::vector<EventWrite> writes;
  for (auto each = known_.begin(); each != known_.end();) {
    Known& known = each->second;
    const bool ended = now - known.last >= ends_after;
    const bool overdue = now - known.last_written >= written_every;
    if ((ended || overdue) && known.count > known.written) writes.push_back(write(known, now));
    each = ended ? known_.erase(each) : std::next(each);
  }
  return writes;
}

std::vector<EventWrite> EventSeries::rest() {
  std::vector<EventWrite> writes;
  for (auto& [identity, known] : known_) {
    if (known.count > known.written) writes.push_back(write(known, known.last));
  }
  return writes;
}

void EventSeries::forget_oldest() {
  known_.erase(std::min_element(known_.begin(), known_.end(),
                                [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
}

Json series_patch(const Object& event) {
  return {{"series", at(event.json(), {"series"})}};
}

}  // namespace tributary::kube
