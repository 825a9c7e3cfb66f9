#include "operator/kube/watch.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <random>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "operator/kube/process.h"

namespace tributary::kube {

using namespace watching;  // the states and inputs are this file's vocabulary

namespace {

constexpr Seconds backoff_window{120};  // trouble-free for this long, the backoff starts over

std::int64_t stretched(Seconds timeout) {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return std::uniform_int_distribution<std::int64_t>(timeout.count(), 2 * timeout.count())(random);
}

}  // namespace

Watch::Watch(Transport& transport, WatchOptions options, Store& store, Handler handler)
    : transport_(transport),
      options_(std::move(options)),
      store_(store),
      handler_(std::move(handler)),
      backoff_(options_.backoff),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

Watch::~Watch() {
  stop();
}

void Watch::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Watch::run(std::stop_token stop) {
  try {
    State state = Listing{};
    while (!stop.stop_requested()) {
      Input input = perform(state, stop);
      if (stop.stop_requested()) break;
      if (const auto* trouble = std::get_if<Trouble>(&input)) report(*trouble);
      record_.note(input);
      const std::string cause = cause_of(input);
      Step next = step(std::move(state), std::move(input), SteadyClock::now());
      record_.note(next.turn, cause);
      if (!std::holds_alternative<Streaming>(next.next)) lines_.reset();
      carry_out(std::move(next.effect));
      state = std::move(next.next);
    }
  } catch (const std::exception& e) {
    // The store would go stale in silence; a restart of the process is the only honest end.
    log::error("watch failed", {{"resource", options_.resource.plural}, {"error", e.what()}});
    log::flush();
    std::_Exit(EXIT_FAILURE);
  }
  lines_.reset();
}

Input Watch::perform(const State& state, std::stop_token stop) {
  if (const auto* listing = std::get_if<Listing>(&state)) return list_page(*listing, std::move(stop));
  if (const auto* opening = std::get_if<Opening>(&state)) return open(*opening, std::move(stop));
  if (const auto* pausing = std::get_if<Pausing>(&state)) return pause(*pausing, std::move(stop));
  return read(std::move(stop));
}

Input Watch::list_page(const Listing& state, std::stop_token stop) {
  const Client client(transport_, options_.client, std::move(stop));
  const ListPage page{state.paged ? options_.page : 0, state.continue_token};
  const auto take = [this](Object object) {
    const Object kept = slimmed(std::move(object));
    pages_.insert_or_assign(kept.key(), Packed(kept));
  };
  Result<ListResult> listed = client.list(options_.resource, options_.selection, page, take);
  if (!listed.ok() && listed.error().fault == Fault::lost) return Trouble{TroubleKind::expired, listed.error().what};
  if (!listed.ok() && listed.error().fault == Fault::denied) {
    return Trouble{TroubleKind::forbidden, listed.error().what};
  }
  if (!listed.ok()) return trouble_of(listed.error());
  return PageListed{std::move(listed->continue_token), std::move(listed->resource_version)};
}

Input Watch::open(const Opening& state, std::stop_token stop) {
  const WatchFrom from{state.resource_version, stretched(options_.timeout)};
  Result<Opened> opened =
      transport_.open(watch(options_.resource, options_.selection, from), options_.limits, std::move(stop));
  if (!opened.ok()) return trouble_of(opened.error());
  if (!opened->lines) return trouble_of(opened->head);
  lines_ = std::move(opened->lines);
  return StreamOpened{};
}

Input Watch::read(std::stop_token stop) {
  Result<std::optional<std::string>> line = lines_->next(std::move(stop));
  if (!line.ok() && lines_->idle()) return Trouble{TroubleKind::idle, line.error().what};
  if (!line.ok()) return trouble_of(line.error());
  if (!*line) return StreamEnded{};
  return read_line(**line);
}

Input Watch::pause(const Pausing& state, std::stop_token stop) {
  if (state.reopen) {
    pause_for(options_.reopen_wait, stop);
    return Paused{};
  }
  if (SteadyClock::now() - last_backoff_ > backoff_window) backoff_.reset();
  pause_for(std::max(state.at_least, backoff_.next()), stop);
  last_backoff_ = SteadyClock::now();
  return Paused{};
}

void Watch::carry_out(Effect effect) {
  if (std::holds_alternative<DropPages>(effect)) pages_.clear();
  if (auto* put = std::get_if<Put>(&effect)) deliver({store_.put(slimmed(std::move(put->object)))}, false);
  if (auto* gone = std::get_if<Remove>(&effect)) deliver(store_.remove(gone->object.key()), false);
  if (std::holds_alternative<ReplaceAll>(effect)) {
    deliver(store_.replace(std::exchange(pages_, {})), !store_.synced());
    store_.mark_synced();
    return_free_memory();
  }
}

void Watch::deliver(std::vector<Change> changes, bool initial) {
  for (Change& change : changes) {
    change.initial = initial;
    handler_(change);
  }
}

Object Watch::slimmed(Object object) const {
  drop_bookkeeping(object);
  if (options_.slim) options_.slim(object);
  return object;
}

void Watch::report(const Trouble& trouble) const {
  const bool ordinary = trouble.kind == TroubleKind::interrupted || trouble.kind == TroubleKind::idle;
  (ordinary ? log::debug : log::warn)(
      "watch interrupted",
      {{"resource", options_.resource.plural}, {"kind", name_of(trouble.kind)}, {"error", trouble.what}});
}

}  // namespace tributary::kube
