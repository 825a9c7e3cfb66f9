#include "operator/torture/process.h"

#include <charconv>

#include "operator/kube/transport.h"
#include "operator/torture/clock.h"

namespace tributary::torture {
namespace {

using kube::testing::Misfortune;
using kube::testing::Served;

constexpr std::string_view name = "incarnation-";

int incarnation_of(const Served& served) {
  int number = 0;
  if (served.user_agent.starts_with(name)) {
    const char* text = served.user_agent.data();
    std::from_chars(text + name.size(), text + served.user_agent.size(), number);
  }
  return number;
}

}  // namespace

bool is_write(const Served& served) {
  return served.method != kube::Method::get && !served.path.ends_with("/events");
}

Process::Process(kube::testing::FakeApiServer& server, std::string token_file, Options options)
    : server_(server), token_file_(std::move(token_file)), options_(std::move(options)) {
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

Process::~Process() {
  thread_.request_stop();
  thread_.join();
}

void Process::kill() {
  const std::lock_guard lock(mutex_);
  dead_below_ = ++incarnation_;
  changed_.notify_all();
}

void Process::stop() {
  const std::lock_guard lock(mutex_);
  ++incarnation_;
  changed_.notify_all();
}

void Process::kill_after(int writes) {
  const std::lock_guard lock(mutex_);
  writes_left_ = writes;
}

bool Process::was_killed() const {
  const std::lock_guard lock(mutex_);
  return writes_left_ == 0;
}

Misfortune Process::judge(const Served& served) {
  const std::lock_guard lock(mutex_);
  const int incarnation = incarnation_of(served);
  if (incarnation == 0) return {};
  if (incarnation < dead_below_) return {.kind = Misfortune::Kind::drop};
  if (writes_left_ <= 0 || !is_write(served) || --writes_left_ > 0) return {};
  dead_below_ = ++incarnation_;
  changed_.notify_all();
  return {.kind = Misfortune::Kind::drop_after};
}

bool Process::is_wanted(int incarnation) const {
  return incarnation_ == incarnation;
}

void Process::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    int incarnation = 0;
    {
      const std::lock_guard lock(mutex_);
      incarnation = incarnation_;
    }
    live(incarnation, stop);
  }
}

void Process::live(int incarnation, std::stop_token stop) {
  constexpr Milliseconds patience{60'000};
  kube::ClusterConfig config = server_.config();
  config.token = {{}, token_file_};
  const auto transport = kube::open_rest_transport(
      config, {.idle = Seconds(2), .user_agent = std::string(name) + std::to_string(incarnation)});
  replication::Controller controller(*transport, options_());
  std::stop_source ends;
  const std::stop_callback asked(stop, [&] { ends.request_stop(); });
  std::jthread starter([&] {
    if (controller.start(Deadline::after(real(patience)), ends.get_token()).ok()) return;
    const std::lock_guard lock(mutex_);
    if (is_wanted(incarnation)) ++incarnation_;
    changed_.notify_all();
  });
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [&] { return !is_wanted(incarnation); });
  }
  ends.request_stop();
}

}  // namespace tributary::torture
