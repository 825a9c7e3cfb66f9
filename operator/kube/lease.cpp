#include "operator/kube/lease.h"

#include <random>
#include <utility>

#include "engine/base/contain.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/base/seal.h"
#include "operator/kube/client.h"
#include "operator/kube/kinds.h"

namespace tributary::kube {

using namespace leasing;  // moves and answers are this file's vocabulary

namespace {

constexpr Seconds overdue{20};  // beyond the lease itself

double between_0_and_1() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

WallTime wall_now() {
  return std::chrono::system_clock::now();
}

Object blank(const Key& name) {
  return Object(Json{{"metadata", {{"namespace", name.space}, {"name", name.name}}}});
}

}  // namespace

std::string lease_identity(const std::string& pod) {
  constexpr std::size_t digits = 16;
  return pod + "_" + sha256(random_bytes(16)).substr(0, digits);
}

Lease::Lease(Transport& transport, Fence& fence, LeaseOptions options)
    : transport_(transport), fence_(fence), options_(std::move(options)), state_(options_.identity, options_.terms) {}

Lease::~Lease() = default;

Result<void> Lease::wait_to_lead(std::stop_token stop) {
  log::info("waiting to lead", {{"lease", options_.name.text()}, {"identity", options_.identity}});
  thread_ = std::jthread([this](const std::stop_token& asked) {
    const Result<void> ended = contain([&]() -> Result<void> {
      run(asked);
      return {};
    });
    if (!ended.ok()) resign(describe(ended.error()));
  });
  std::unique_lock lock(mutex_);
  if (changed_.wait(lock, std::move(stop), [&] { return renewed_.has_value(); })) return {};
  return Error{Fault::cancelled, "stopped while waiting for lease " + options_.name.text()};
}

void Lease::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const SteadyTime now = SteadyClock::now();
    const Move move = state_.next(now, wall_now());
    if (const auto* end = std::get_if<Resign>(&move)) return resign(end->why);
    if (const auto* rest = std::get_if<Rest>(&move)) {
      pause_for(std::chrono::ceil<Milliseconds>(rest->until - now), stop);
      continue;
    }
    ask(move, {Deadline::never().no_later_than(state_.answer_by(now)), stop});
  }
}

void Lease::ask(const Move& move, Until until) {
  const SteadyTime sent = SteadyClock::now();
  const auto* claim = std::get_if<Claim>(&move);
  if (claim == nullptr && options_.looked) options_.looked();
  // A claim that is cut off may be carried out all the same, for a process that has ended.
  const Answer answer = claim != nullptr ? write(*claim, {until.deadline}) : look(until);
  if (until.stop.stop_requested() && std::holds_alternative<Failed>(answer)) return;
  const SteadyTime now = SteadyClock::now();
  state_.heard(answer, sent, now, between_0_and_1());
  const auto* failed = std::get_if<Failed>(&answer);
  if (failed != nullptr && failed->why != trouble_)
    log::warn("lease not taken or renewed", {{"lease", options_.name.text()}, {"error", failed->why}});
  trouble_ = failed == nullptr ? "" : failed->why;
  take_note(now);
}

Answer Lease::look(Until until) {
  const Result<Response> answer = transport_.send(get(kinds::leases, options_.name), until.deadline, until.stop);
  if (answer.ok() && answer->status == 404) return Absent{};
  const Answer found = written_in(answer);
  const auto* read = std::get_if<Written>(&found);
  return read == nullptr ? found : Found{read->record, read->version};
}

Answer Lease::write(const Claim& claim, Until until) {
  const Object wanted = with_record(claim.version.empty() ? blank(options_.name) : seen_, claim.record);
  const Request request = claim.version.empty() ? create(kinds::leases, wanted) : update(kinds::leases, wanted);
  return written_in(transport_.send(request, until.deadline, until.stop));
}

// The Lease in an answer, which is then what was seen last.
Answer Lease::written_in(const Result<Response>& answer) {
  if (!answer.ok()) return Failed{describe(answer.error())};
  if (!answer->ok()) return Failed{describe(error_of(*answer))};
  Parsed body = parse_json(answer->body);
  Object lease(std::move(body.json));
  if (lease.resource_version().empty()) return Failed{"the API server answered something that is no Lease"};
  seen_ = std::move(lease);
  return Written{record_of(seen_), seen_.resource_version()};
}

void Lease::take_note(SteadyTime now) {
  const std::optional<SteadyTime> until = state_.leads_until();
  if (until && now < *until && fence_.extend(*until)) {
    const std::lock_guard lock(mutex_);
    if (!renewed_) log::info("leading", {{"lease", options_.name.text()}, {"identity", options_.identity}});
    renewed_ = state_.renewed();
    changed_.notify_all();
  }
  if (until || state_.holder() == holder_) return;
  holder_ = state_.holder();
  if (!holder_.empty()) log::info("another leads", {{"lease", options_.name.text()}, {"identity", holder_}});
}

void Lease::resign(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    lost_ = true;
  }
  const Error error{Fault::fenced, "lease " + options_.name.text() + " is lost: " + why,
                    "this process ends and starts anew as one that waits to lead"};
  if (options_.lost) options_.lost(error);
}

void Lease::hand_over(Until until) {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  if (!leads()) return;
  if (fence_.close(until)) return give_back(until);
  log::warn("lease left to expire, for changes may still be on their way", {{"lease", options_.name.text()}});
}

// A renewal that was cut off may have been written: then the version is another, and the record ours.
void Lease::give_back(Until until) {
  constexpr int tries = 3;
  for (int i = 0; i < tries; ++i) {
    const std::optional<Claim> claim = state_.release(wall_now());
    if (!claim) return;
    const Until one = until.within(options_.terms.request());
    const Answer answer = write(*claim, one);
    if (std::holds_alternative<Written>(answer)) {
      log::info("lease handed over", {{"lease", options_.name.text()}});
      return;
    }
    log::warn("lease not handed over", {{"error", std::get<Failed>(answer).why}});
    const SteadyTime sent = SteadyClock::now();
    state_.heard(look(one), sent, SteadyClock::now(), 0);
  }
}

bool Lease::leads() const {
  const std::lock_guard lock(mutex_);
  return renewed_ && !lost_;
}

std::optional<std::string> Lease::complaint(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  if (!renewed_ || now < *renewed_ + options_.terms.lease + overdue) return std::nullopt;
  const auto silent = std::chrono::duration_cast<Seconds>(now - *renewed_);
  return "lease " + options_.name.text() + " was renewed " + std::to_string(silent.count()) +
         " s ago, and this process still counts as its leader";
}

}  // namespace tributary::kube
