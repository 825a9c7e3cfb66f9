#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/object.h"

namespace tributary::kube {

// One write to the server: a new Event, or the series of one that is there.
struct EventWrite {
  Object event;
  bool repeats = false;
};

// Counts Events that are told again, in the same words about the same object, instead of writing each, with the times
// of client-go: the second one makes a series of the first, further ones are written each half an hour, and what was
// counted when a series ends, six minutes after its last. Pure but for its memory, which is bounded; not thread-safe.
class EventSeries {
 public:
  // What is to be written for it now; nothing where it is only counted.
  std::optional<EventWrite> note(const Object& event, WallTime now);
  // What has come due by now, and no series that has ended is remembered any more.
  std::vector<EventWrite> due(WallTime now);
  // What was counted and not written so far.
  std::vector<EventWrite> rest();
  std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::string event;  // JSON, a fifth of the size of the object
    std::int64_t count = 1;
    std::int64_t written = 1;
    WallTime last;          // time that it was told
    WallTime last_written;  // time of the last write
  };
  static EventWrite write(Known& known, WallTime now);
  void forget_oldest();

  std::map<std::string, Known> known_;
};

// The part of an Event that a repetition changes.
Json series_patch(const Object& event);

}  // namespace tributary::kube
