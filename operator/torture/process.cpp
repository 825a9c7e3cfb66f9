#include "operator/torture/process.h"

#include <charconv>
#include <utility>

#include "operator/kube/fence.h"
#include "operator/kube/lease.h"
#include "operator/kube/transport.h"
#include "operator/torture/clock.h"

namespace tributary::torture {
namespace {

using kube::testing::Misfortune;
using kube::testing::Served;

constexpr std::string_view name = "incarnation-";
constexpr Milliseconds patience{60'000};  // with the first lists
constexpr Seconds hand_over_time{2};
constexpr Milliseconds moment{30};

// Of the machine's clock: long enough for one that does other work.
constexpr kube::leasing::Terms terms{
    .lease = Milliseconds(3'000), .renew = Milliseconds(2'000), .retry = Milliseconds(200)};

int incarnation_of(const Served& served) {
  int number = 0;
  if (served.user_agent.starts_with(name)) {
    const char* text = served.user_agent.data();
    std::from_chars(text + name.size(), text + served.user_agent.size(), number);
  }
  return number;
}

std::string name_of(int number) {
  return std::string(name) + std::to_string(number);
}

bool is_of_lease(const Served& served) {
  return served.path.find("/leases") != std::string::npos;
}

}  // namespace

bool is_write(const Served& served) {
  return served.method != kube::Method::get && !served.path.ends_with("/events") && !is_of_lease(served);
}

// What main.cpp puts together.
struct Process::Incarnation {
  Incarnation(Process& process, int number)
      : server(kube::open_rest_transport(
            process.cluster_, {.idle = Seconds(2), .check_credentials = Seconds(1), .user_agent = name_of(number)})),
        gated(*server, process.gate_of(number)),
        fence("system/operator"),
        fenced(gated, fence),
        lease(gated, fence,
              {.name = {"system", "operator"},
               .identity = name_of(number),
               .terms = terms,
               .lost = [&process, number](const Error&) { process.end_slowly(number); }}),
        controller(process.elects_ ? static_cast<kube::Transport&>(fenced) : gated, options_of(process, number)) {}

  replication::ControllerOptions options_of(Process& process, int number) {
    replication::ControllerOptions options = process.options_();
    options.fence = process.elects_ ? &fence : nullptr;
    options.ask = [&process, number, ask = std::move(options.ask)](const std::string& ip,
                                                                   std::stop_token stop) -> Result<api::Progress> {
      if (process.is_dead(number)) return Error{Fault::failed, "nobody asks any more"};
      return ask(ip, std::move(stop));
    };
    options.tell = [&process, number, tell = std::move(options.tell)](const std::string& ip, const std::string& token,
                                                                      bool forget, Until until) -> Result<int> {
      kube::Request order;
      order.method = kube::Method::post;
      process.gate_of(number).pass(order);
      if (process.is_dead(number) || until.deadline.passed())
        return Error{Fault::transient, "nobody tells it any more"};
      if (process.elects_) process.note_writer(number);
      return tell(ip, token, forget, std::move(until));
    };
    return options;
  }

  const std::unique_ptr<kube::Transport> server;
  GatedTransport gated;
  kube::Fence fence;
  kube::FencedTransport fenced;
  kube::Lease lease;
  replication::Controller controller;
};

Process::Process(kube::ClusterConfig cluster, int replicas, Options options)
    : cluster_(std::move(cluster)), elects_(replicas > 1), options_(std::move(options)) {
  for (int i = 0; i < replicas; ++i) threads_.emplace_back([this](std::stop_token stop) { run(std::move(stop)); });
}

Process::~Process() {
  for (std::jthread& thread : threads_) thread.request_stop();
  thaw();
  threads_.clear();
}

void Process::kill() {
  const std::lock_guard lock(mutex_);
  dead_.merge(wanted_);
  wanted_.clear();
  changed_.notify_all();
}

void Process::stop() {
  const std::lock_guard lock(mutex_);
  wanted_.clear();
  changed_.notify_all();
}

void Process::end(int number, bool at_once) {
  const std::lock_guard lock(mutex_);
  if (at_once) dead_.insert(number);
  wanted_.erase(number);
  changed_.notify_all();
}

// A process that ends itself takes a moment, in which its other threads go on.
void Process::end_slowly(int number) {
  std::this_thread::sleep_for(moment);
  end(number, true);
}

void Process::kill_after(int writes) {
  const std::lock_guard lock(mutex_);
  writes_left_ = writes;
}

void Process::freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = leader_;
  if (frozen_ != 0) gates_[frozen_].arm();
}

void Process::thaw() {
  const std::lock_guard lock(mutex_);
  frozen_ = 0;
  for (auto& [number, gate] : gates_) gate.open();
}

bool Process::was_killed() const {
  const std::lock_guard lock(mutex_);
  return writes_left_ == 0;
}

bool Process::leads() const {
  const std::lock_guard lock(mutex_);
  return leader_ != 0;
}

bool Process::is_superseded() const {
  const std::lock_guard lock(mutex_);
  return frozen_ != 0 && leader_ != frozen_ && gates_.at(frozen_).is_closed();
}

int Process::starts() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

int Process::usurpations() const {
  const std::lock_guard lock(mutex_);
  return usurpations_;
}

Gate& Process::gate_of(int number) {
  const std::lock_guard lock(mutex_);
  return gates_[number];
}

bool Process::is_dead(int number) const {
  const std::lock_guard lock(mutex_);
  return dead_.contains(number);
}

void Process::take_the_lead(int number) {
  const std::lock_guard lock(mutex_);
  leader_ = number;
}

void Process::note_writer(int number) {
  const std::lock_guard lock(mutex_);
  if (over_.contains(number)) ++usurpations_;
  if (writer_ != number) over_.insert(writer_);
  writer_ = number;
}

Misfortune Process::judge(const Served& served) {
  const int number = incarnation_of(served);
  if (number == 0) return {};
  if (is_dead(number)) return {.kind = Misfortune::Kind::drop};
  if (elects_ && served.method != kube::Method::get && !is_of_lease(served)) note_writer(number);
  const std::lock_guard lock(mutex_);
  if (writes_left_ <= 0 || !is_write(served) || --writes_left_ > 0) return {};
  dead_.insert(number);
  wanted_.erase(number);
  changed_.notify_all();
  return {.kind = Misfortune::Kind::drop_after};
}

void Process::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    int number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = ++last_;
      wanted_.insert(number);
    }
    live(number, stop);
  }
}

void Process::live(int number, std::stop_token stop) {
  Incarnation mine(*this, number);
  std::stop_source ends;
  const std::stop_callback asked(stop, [&] { ends.request_stop(); });
  std::jthread starter([&] {
    const auto start = [&]() -> Result<void> {
      TRY(mine.controller.fill(Deadline::after(real(patience)), ends.get_token()));
      if (elects_) TRY(mine.lease.wait_to_lead(ends.get_token()));
      take_the_lead(number);
      return mine.controller.work(ends.get_token());
    };
    if (!start().ok()) end(number, false);
  });
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [&] { return !wanted_.contains(number); });
  }
  ends.request_stop();
  gate_of(number).open();
  starter.join();
  mine.controller.stop();
  if (!is_dead(number)) mine.lease.hand_over({Deadline::after(hand_over_time)});
}

}  // namespace tributary::torture
