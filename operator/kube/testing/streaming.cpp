#include <algorithm>
#include <sstream>
#include <utility>

#include "operator/kube/testing/selector.h"
#include "operator/kube/testing/serving.h"

// The watches of the fake API server.
namespace tributary::kube::testing {
namespace {

std::string frame(const char* type, const Json& object) {
  return Json{{"type", type}, {"object", object}}.dump() + "\n";
}

std::string parameter(const Call& call, const char* name) {
  const auto found = call.query.find(name);
  return found == call.query.end() ? std::string() : found->second;
}

bool is_visible(const Call& call, const Json& object) {
  if (!object.is_object()) return false;
  if (!call.key.space.empty() && text_at(object, {"metadata", "namespace"}) != call.key.space) return false;
  return matches(object, parameter(call, "labelSelector"), parameter(call, "fieldSelector"));
}

}  // namespace

bool FakeApiServer::Self::stream(Wire& wire, const Call& call) {
  std::unique_lock lock(mutex);
  if (world.resource_of(call) == nullptr) {
    lock.unlock();
    return wire.write_response(404, "", refusal(404, "NotFound", "no such resource").body.dump());
  }
  const std::string asked = parameter(call, "resourceVersion");
  const bool anew = asked.empty() || asked == "0";
  const std::uint64_t version = anew ? world.version() : std::stoull(asked);
  if (version < world.oldest()) {
    lock.unlock();
    const std::string message = "too old resource version: " + std::to_string(version);
    return wire.write_response(410, "", refusal(410, "Expired", message).body.dump());
  }
  const auto state = streams.insert(streams.end(), StreamState{.plural = call.plural, .fault = fault_of(call.plural)});
  if (anew) state->raw = initial_frames(call);
  changed.notify_all();
  lock.unlock();
  bool keep = wire.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  keep = keep && pump(wire, call, version, *state);
  lock.lock();
  streams.erase(state);
  changed.notify_all();
  return keep;
}

// Sends what happens after `version` until the stream ends; whether the connection may be used again.
bool FakeApiServer::Self::pump(Wire& wire, const Call& call, std::uint64_t version, StreamState& state) {
  const std::string timeout = parameter(call, "timeoutSeconds");
  const SteadyTime end = SteadyClock::now() + Seconds(timeout.empty() ? 3600 : std::stol(timeout));
  std::size_t read = 0;
  std::unique_lock lock(mutex);
  while (true) {
    const bool silent = state.silent || state.fault.silent;
    std::string bytes = std::exchange(state.raw, "");
    if (!silent) bytes += frames_since(call, version, read, state.fault.late);
    if (!silent) bytes += bookmarks_of(call, version, state);
    const bool over = stopping || state.end || state.reset || SteadyClock::now() >= end;
    const bool reset = state.reset;
    lock.unlock();
    if (!send_split(wire, bytes, state)) return false;
    if (reset) wire.reset();
    if (over) return !reset && wire.write_chunk("");
    lock.lock();
    // A peer that closes sends nothing that would wake us.
    if (wire.closed_by_peer()) return false;
    changed.wait_until(lock, std::min(end, SteadyClock::now() + Milliseconds(20)), [&] {
      const bool quiet = state.silent || state.fault.silent || state.fault.late > Milliseconds(0);
      return stopping || state.end || state.reset || state.bookmarks > 0 || !state.raw.empty() ||
             (!quiet && read < world.history().size());
    });
  }
}

std::string FakeApiServer::Self::initial_frames(const Call& call) const {
  std::string bytes;
  for (const Object& object : world.all(*world.resource_of(call))) {
    if (is_visible(call, object.json())) bytes += frame("ADDED", presented(object.json(), call.metadata_only));
  }
  return bytes;
}

// Objects that begin or cease to match a selector are added or deleted to this watcher.
std::string FakeApiServer::Self::frames_since(const Call& call, std::uint64_t& version, std::size_t& read,
                                              Milliseconds late) const {
  const std::string collection = collection_of(call.group, call.version, call.plural);
  const SteadyTime horizon = SteadyClock::now() - late;
  std::string bytes;
  for (; read < world.history().size(); ++read) {
    const Logged& entry = world.history()[read];
    if (entry.version <= version) continue;
    if (late > Milliseconds(0) && entry.at > horizon) break;
    version = entry.version;
    if (entry.collection != collection) continue;
    const bool before = is_visible(call, entry.before), after = is_visible(call, entry.after);
    if (!before && !after) continue;
    Json object = after ? entry.after : entry.before;
    object["metadata"]["resourceVersion"] = std::to_string(entry.version);
    bytes += frame(!before ? "ADDED" : after ? "MODIFIED" : "DELETED", presented(object, call.metadata_only));
  }
  return bytes;
}

std::string FakeApiServer::Self::bookmarks_of(const Call& call, std::uint64_t version, StreamState& state) const {
  const bool due = options.bookmark_every > Milliseconds(0) && !state.fault.no_bookmarks &&
                   SteadyClock::now() - state.bookmarked >= options.bookmark_every;
  if (due) {
    ++state.bookmarks;
    state.bookmarked = SteadyClock::now();
  }
  const Resource* resource = world.resource_of(call);
  std::string bytes;
  for (; state.bookmarks > 0; --state.bookmarks) {
    if (resource == nullptr) continue;
    bytes += frame("BOOKMARK", {{"kind", resource->kind},
                                {"apiVersion", resource->api_version()},
                                {"metadata", {{"resourceVersion", std::to_string(version)}}}});
  }
  return bytes;
}

// False when the connection is of no use any more.
bool FakeApiServer::Self::send_split(Wire& wire, const std::string& bytes, StreamState& state) {
  if (bytes.empty()) return true;
  std::string encoded;
  bool cut = false;
  {
    const std::lock_guard lock(mutex);
    const std::size_t size = chunk_bytes == 0 ? bytes.size() : chunk_bytes;
    for (std::size_t begin = 0; begin < bytes.size(); begin += size) encoded += chunk_of(bytes.substr(begin, size));
    if (std::optional<std::size_t>& left = state.fault.cut_after) {
      cut = encoded.size() >= *left;
      if (cut) encoded.resize(*left);
      *left -= encoded.size();
    }
  }
  if (!wire.write(encoded)) return false;
  if (cut) wire.reset();
  return !cut;
}

}  // namespace tributary::kube::testing
