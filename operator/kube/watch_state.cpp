#include "operator/kube/watch_state.h"

#include <algorithm>
#include <utility>

namespace tributary::kube::watching {
namespace {

constexpr int open_tries = 10;
constexpr Milliseconds very_short{1'000};

Step relist_later(Milliseconds at_least = {}) {
  return {Pausing{Listing{}, at_least}, DropPages{}, Turn::relist};
}

Step reopen_later(std::string version, Milliseconds at_least = {}) {
  return {Pausing{Opening{std::move(version)}, at_least}, {}, Turn::restart};
}

Step reopen(std::string version) {
  return {Opening{std::move(version)}, {}, Turn::restart};
}

Step on_page(const Listing& state, PageListed page) {
  if (!page.continue_token.empty()) return {Listing{std::move(page.continue_token), state.paged}};
  if (page.resource_version.empty()) return relist_later();
  return {Opening{std::move(page.resource_version)}, ReplaceAll{}};
}

// Only a continue token can expire here: the pages began at a state that the server has compacted since. Everything
// in one answer cannot expire; should a server say so all the same, that is trouble like any other.
Step on_trouble(const Listing& state, const Trouble& trouble) {
  if (trouble.kind == TroubleKind::expired && state.paged) {
    return {Listing{.paged = false}, DropPages{}, Turn::relist};
  }
  return relist_later(trouble.retry_after);
}

Step on_trouble(const Opening& state, const Trouble& trouble) {
  switch (trouble.kind) {
    case TroubleKind::refused:
    case TroubleKind::throttled:
    case TroubleKind::unauthorized:
    case TroubleKind::forbidden:
      return reopen_later(state.resource_version, trouble.retry_after);
    case TroubleKind::interrupted:
    case TroubleKind::idle:
      if (state.tries + 1 >= open_tries) return relist_later();
      return {Pausing{.then = Opening{state.resource_version, state.tries + 1}, .reopen = true}, {}, Turn::restart};
    case TroubleKind::expired:
    case TroubleKind::undecodable:
    case TroubleKind::other:
      return relist_later(trouble.retry_after);
  }
  return relist_later();
}

// A stream that ends at once and empty would be opened again in a tight loop: it counts as trouble.
Step on_end(const Streaming& state, SteadyTime now) {
  if (state.quiet && now - state.opened < very_short) return relist_later();
  return reopen(state.resource_version);
}

Step on_trouble(const Streaming& state, const Trouble& trouble, SteadyTime now) {
  switch (trouble.kind) {
    case TroubleKind::refused:
    case TroubleKind::interrupted:
      return on_end(state, now);
    case TroubleKind::idle:
      return reopen(state.resource_version);
    case TroubleKind::throttled:
      return reopen_later(state.resource_version, trouble.retry_after);
    case TroubleKind::unauthorized:
    case TroubleKind::forbidden:
    case TroubleKind::expired:
    case TroubleKind::undecodable:
    case TroubleKind::other:
      return relist_later(trouble.retry_after);
  }
  return relist_later();
}

Step on_event(Streaming state, EventRead event) {
  state.quiet = false;
  if (std::string version = event.object.resource_version(); !version.empty())
    state.resource_version = std::move(version);
  switch (event.type) {
    case EventType::added:
    case EventType::modified:
      return {std::move(state), Put{std::move(event.object)}};
    case EventType::deleted:
      return {std::move(state), Remove{std::move(event.object)}};
    case EventType::bookmark:
    case EventType::unknown:
      return {std::move(state)};
  }
  return {std::move(state)};
}

struct Stepper {
  SteadyTime now;

  Step operator()(Listing&& state, PageListed&& page) const { return on_page(state, std::move(page)); }
  Step operator()(Listing&& state, Trouble&& trouble) const { return on_trouble(state, trouble); }
  Step operator()(Opening&& state, StreamOpened&&) const { return {Streaming{std::move(state.resource_version), now}}; }
  Step operator()(Opening&& state, Trouble&& trouble) const { return on_trouble(state, trouble); }
  Step operator()(Streaming&& state, EventRead&& event) const { return on_event(std::move(state), std::move(event)); }
  Step operator()(Streaming&& state, StreamEnded&&) const { return on_end(state, now); }
  Step operator()(Streaming&& state, Trouble&& trouble) const { return on_trouble(state, trouble, now); }
  Step operator()(Pausing&& state, Paused&&) const {
    return {std::visit([](auto&& next) -> State { return std::move(next); }, std::move(state.then))};
  }
  template <class S, class I>
  Step operator()(S&&, I&&) const {
    return relist_later();
  }
};

TroubleKind kind_of_status(int status, const std::string& reason) {
  if (status == 410 || reason == "Expired" || reason == "Gone") return TroubleKind::expired;
  if (status == 429) return TroubleKind::throttled;
  if (status == 401) return TroubleKind::unauthorized;
  if (status == 403) return TroubleKind::forbidden;
  return TroubleKind::other;
}

Trouble trouble_of_status(int status, const Json& body) {
  constexpr std::int64_t most_seconds = 300;
  const std::int64_t asked = integer_at(body, {"details", "retryAfterSeconds"});
  const Milliseconds wait = Seconds(std::clamp<std::int64_t>(asked, 0, most_seconds));
  return {kind_of_status(status, text_at(body, {"reason"})),
          "status " + std::to_string(status) + ": " + text_at(body, {"message"}), wait};
}

EventType type_of(const std::string& word) {
  if (word == "ADDED") return EventType::added;
  if (word == "MODIFIED") return EventType::modified;
  if (word == "DELETED") return EventType::deleted;
  if (word == "BOOKMARK") return EventType::bookmark;
  return EventType::unknown;
}

}  // namespace

Step step(State state, Input input, SteadyTime now) {
  return std::visit(Stepper{now}, std::move(state), std::move(input));
}

Trouble trouble_of(const Response& response) {
  const Parsed body = parse_json(response.body);
  Trouble trouble = trouble_of_status(response.status, body.json);
  if (response.retry_after) trouble.retry_after = std::max<Milliseconds>(trouble.retry_after, *response.retry_after);
  return trouble;
}

Trouble trouble_of(const Error& error) {
  switch (error.fault) {
    case Fault::transient:
      return {TroubleKind::refused, error.what};
    case Fault::failed:
      return {TroubleKind::interrupted, error.what};
    case Fault::invalid:
      return {TroubleKind::undecodable, error.what};
    case Fault::conflict:
    case Fault::missing:
    case Fault::denied:
    case Fault::differs:
    case Fault::lost:
    case Fault::fenced:
    case Fault::cancelled:
      return {TroubleKind::other, error.what};
  }
  return {TroubleKind::other, error.what};
}

// A watch frame: {"type": "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR", "object": {...}}, where the object
// of an ERROR is a Status. An unknown type is skipped, as client-go does.
Input read_line(const std::string& line) {
  Parsed frame = parse_json(line);
  const std::string word = text_at(frame.json, {"type"});
  if (!frame.ok || word.empty() || !at(frame.json, {"object"}).is_object())
    return Trouble{TroubleKind::undecodable, "a watch frame that is no event"};
  if (word == "ERROR") {
    const Json& status = at(frame.json, {"object"});
    const std::int64_t code = integer_at(status, {"code"});
    return trouble_of_status(code > 0 && code < 1000 ? static_cast<int>(code) : 500, status);
  }
  EventRead event{type_of(word), Object(std::move(frame.json["object"]))};
  if (event.type == EventType::unknown) return EventRead{};
  const bool whole =
      !event.object.resource_version().empty() && (event.type == EventType::bookmark || !event.object.name().empty());
  if (!whole || event.object.kind() == "Table")
    return Trouble{TroubleKind::undecodable, "a watch event without an object's name or version"};
  return event;
}

const char* name_of(TroubleKind kind) {
  switch (kind) {
    case TroubleKind::refused:
      return "refused";
    case TroubleKind::interrupted:
      return "interrupted";
    case TroubleKind::idle:
      return "idle";
    case TroubleKind::expired:
      return "expired";
    case TroubleKind::throttled:
      return "throttled";
    case TroubleKind::unauthorized:
      return "unauthorized";
    case TroubleKind::forbidden:
      return "forbidden";
    case TroubleKind::undecodable:
      return "undecodable";
    case TroubleKind::other:
      return "other";
  }
  return "other";
}

std::string cause_of(const Input& input) {
  if (const auto* trouble = std::get_if<Trouble>(&input)) return name_of(trouble->kind);
  return std::holds_alternative<StreamEnded>(input) ? "ended" : name_of(TroubleKind::other);
}

const std::vector<std::string>& causes() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> names = {"ended"};
    for (int i = 0; i <= static_cast<int>(TroubleKind::other); ++i) {
      names.emplace_back(name_of(static_cast<TroubleKind>(i)));
    }
    return names;
  }();
  return all;
}

}  // namespace tributary::kube::watching
