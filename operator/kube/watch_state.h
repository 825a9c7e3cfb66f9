#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "operator/kube/client.h"
#include "operator/kube/object.h"
#include "operator/kube/transport.h"

// The list/watch conversation as a pure state machine (kubernetes.md 2.2 to 2.4):
//
//   Listing --last page--> Opening --200--> Streaming --end, idle--> Opening
//      ^                      |                 |
//      +------ Pausing <------+-----------------+      410 and what is not understood lead back to Listing
//
// Each state names the one thing to do next; the shell (watch.h) does it and hands the Input to step(). Lists always
// ask for the newest state (no resourceVersion), so a restart or an old cache never takes us back in time; this is why
// no list can meet "too large resource version", and an expired version never needs a second try with another one.
namespace tributary::kube::watching {

struct Listing {
  std::string continue_token = {};
  bool paged = true;  // false after the server forgot a continue token: then everything at once
};
struct Opening {
  std::string resource_version;
  int tries = 0;  // broken connections so far
};
struct Streaming {
  std::string resource_version;
  SteadyTime opened;
  bool quiet = true;  // no event so far
};

// Sleep, then go on with `then`: for as long as the backoff says and at least `at_least`, or, between tries to open
// a stream over a broken connection, for the short fixed time of the options.
struct Pausing {
  std::variant<Listing, Opening> then;
  Milliseconds at_least{0};
  bool reopen = false;
};
using State = std::variant<Listing, Opening, Streaming, Pausing>;

enum class TroubleKind {
  refused,       // the server was not reached
  interrupted,   // the connection broke, or the deadline passed
  idle,          // a stream was silent for too long
  expired,       // 410: the resource version is too old
  throttled,     // 429
  unauthorized,  // 401
  forbidden,     // 403
  undecodable,   // a line or an answer that is not what the API promises
  other,         // everything else, 500 included
};
struct Trouble {
  TroubleKind kind = TroubleKind::other;
  std::string what = {};
  Milliseconds retry_after{0};
};

struct PageListed {
  std::string continue_token;
  std::string resource_version;
};
struct StreamOpened {};
// What one line said. A bookmark carries a version only.
enum class EventType { added, modified, deleted, bookmark, unknown };
struct EventRead {
  EventType type = EventType::unknown;
  Object object = {};
};
struct StreamEnded {};
struct Paused {};
using Input = std::variant<PageListed, StreamOpened, EventRead, StreamEnded, Paused, Trouble>;

// What the shell does to the store before it goes on.
struct ReplaceAll {};  // the pages collected since the list began are the content
struct DropPages {};   // the list starts over
struct Put {
  Object object;
};
struct Remove {
  Object object;
};  // as it was when it was deleted
using Effect = std::variant<std::monostate, ReplaceAll, DropPages, Put, Remove>;

// What a step means for the conversation: a stream takes up where one ended or could not be opened, or a list begins
// over.
enum class Turn { none, restart, relist };

struct Step {
  State next;
  Effect effect = {};
  Turn turn = Turn::none;
};

// Total: an input that does not belong to the state is treated as trouble, which leads to a new list.
Step step(State state, Input input, SteadyTime now);

// The pure classifications that feed it.
Trouble trouble_of(const Response& response);  // an answer that is not ok
Trouble trouble_of(const Error& error);        // no answer, or a client's error
Input read_line(const std::string& line);      // one watch frame: EventRead or Trouble
const char* name_of(TroubleKind kind);

// What made a turn: the name of a trouble, or "ended" for a stream that ended as it should.
std::string cause_of(const Input& input);
const std::vector<std::string>& causes();

}  // namespace tributary::kube::watching
