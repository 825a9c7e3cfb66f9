#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <queue>
#include <random>

#include <gtest/gtest.h>

#include "operator/kube/lease_state.h"

// Many processes that stand for one lease, against one API server, all of it simulated: clocks that differ, requests
// and answers that are slow or lost or arrive after everybody has given them up, processes that stand still, die or end
// well. TRIBUTARY_SEEDS says how many runs, TRIBUTARY_SEED draws one of them once more.
namespace tributary::kube::leasing {
namespace {

using Micros = std::chrono::microseconds;

constexpr Micros second{1'000'000};
constexpr Micros slack = 5 * second - Micros(1);  // between a leader's last change and the next leader
constexpr Micros calm_enough = 45 * second;       // to have a leader, whatever was before
const WallTime noon = WallTime(Seconds(1'700'000'000));

// The API server's one Lease. The rules of a record are held against each write.
class Server {
 public:
  // Whoever has led so far may change things until then.
  Micros changes_until{0};

  Answer look() const { return lease_ ? Answer(Found{lease_->record, lease_->version}) : Answer(Absent{}); }
  Answer write(const Claim& claim, Micros now) {
    const std::string have = lease_ ? lease_->version : "";
    if (claim.version != have) return Failed{"conflict"};
    const Record before = lease_ ? lease_->record : Record{};
    const bool taken = claim.record.holder != before.holder && !claim.record.holder.empty();
    EXPECT_EQ(claim.record.transitions, before.transitions + (taken && lease_ ? 1 : 0));
    EXPECT_TRUE(!taken || before.holder.empty() || changes_until < now) << "taken over too soon";
    if (!lease_ || lease_->record != claim.record) lease_ = Found{claim.record, std::to_string(++versions_)};
    return Written{lease_->record, lease_->version};
  }
  std::string holder() const { return lease_ ? lease_->record.holder : ""; }

 private:
  std::optional<Found> lease_;
  int versions_ = 0;
};

// One process from its start to its end, with a monotonic clock of its own.
struct Process {
  Process(std::string name, Micros clock) : identity(std::move(name)), offset(clock), state(identity, {}) {}

  SteadyTime local(Micros now) const { return SteadyTime(std::chrono::hours(1) + now + offset); }
  Micros global(SteadyTime time) const {
    return std::chrono::duration_cast<Micros>(time.time_since_epoch()) - std::chrono::hours(1) - offset;
  }
  bool passes(Micros now) const { return !over && fence && now < *fence; }

  const std::string identity;
  const Micros offset;
  LeaseState state;
  std::optional<Micros> fence;  // what fence.h is told, in everybody's time
  bool over = false;            // it has ended, or hands over
  bool cut_off = false;         // nothing it sends arrives, nothing arrives at it
  Micros frozen_until{0};
  int changing = 0;  // changes on their way
};
using Member = std::shared_ptr<Process>;

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {}

  void hold();
  int leaders() const { return leaders_; }
  int changes() const { return changes_; }
  int late_changes() const { return late_; }

 private:
  void at(Micros when, std::function<void()> what) { events_.push({when, tickets_++, std::move(what)}); }
  void run_until(Micros end);
  // When this process runs, which is later where it stands still then.
  void by(const Member& who, Micros when, std::function<void()> what);

  void join(std::size_t place);
  void leave(const Member& who);
  void turn(const Member& who);
  void send(const Member& who, const Move& move);
  void hear(const Member& who, const Answer& answer, SteadyTime sent);
  void try_change(const Member& who);
  void hand_over(const Member& who);
  void give_back(const Member& who, const Claim& release);
  void disturb();
  void check_one_leads() const;

  Micros between(Micros least, Micros most) {
    return Micros(std::uniform_int_distribution<Micros::rep>(least.count(), most.count())(random_));
  }
  bool chance(double part) { return std::bernoulli_distribution(part)(random_); }
  // Of one message: quick as a rule.
  Micros latency() {
    if (calm_ || chance(0.8)) return between(Micros(200), Micros(30'000));
    return between(Micros(1'000), 12 * second);
  }
  double jitter() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  struct Event {
    Micros when;
    std::uint64_t ticket;
    std::function<void()> what;
    bool operator<(const Event& other) const { return std::tie(other.when, other.ticket) < std::tie(when, ticket); }
  };

  std::mt19937_64 random_;
  std::priority_queue<Event> events_;
  std::uint64_t tickets_ = 0;
  Micros now_{0};
  Server server_;
  bool down_ = false;
  bool calm_ = false;
  std::vector<Member> members_;
  int names_ = 0;
  int leaders_ = 0, changes_ = 0, late_ = 0;
};

void Simulation::run_until(Micros end) {
  while (!events_.empty() && events_.top().when <= end) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.when;
    event.what();
    check_one_leads();
    if (::testing::Test::HasFailure()) return;
  }
  now_ = end;
}

void Simulation::by(const Member& who, Micros when, std::function<void()> what) {
  at(when, [this, who, what = std::move(what)] {
    if (now_ < who->frozen_until) return by(who, who->frozen_until + between(Micros(0), Micros(50)), what);
    what();
  });
}

void Simulation::check_one_leads() const {
  int leading = 0;
  for (const Member& member : members_) leading += member->passes(now_);
  EXPECT_LE(leading, 1) << "at " << now_.count() << " us";
}

void Simulation::join(std::size_t place) {
  const Micros day = std::chrono::hours(24);
  members_[place] = std::make_shared<Process>("p" + std::to_string(names_++), between(Micros(0), day));
  turn(members_[place]);
  try_change(members_[place]);
}

void Simulation::leave(const Member& who) {
  who->over = true;
  for (std::size_t place = 0; place < members_.size(); ++place) {
    if (members_[place] == who) at(now_ + between(second, 6 * second), [this, place] { join(place); });
  }
}

void Simulation::turn(const Member& who) {
  if (who->over) return;
  const WallTime wall = noon + between(-3600 * second, 3600 * second);  // a clock that jumps
  const Move move = who->state.next(who->local(now_), wall);
  if (std::holds_alternative<Resign>(move)) return leave(who);
  if (const auto* rest = std::get_if<Rest>(&move)) {
    ASSERT_GT(rest->until, who->local(now_));
    return by(who, who->global(rest->until), [=, this] { turn(who); });
  }
  send(who, move);
}

// The request arrives and the answer comes back, or not, and whoever waits for it hears what comes first.
void Simulation::send(const Member& who, const Move& move) {
  const SteadyTime sent = who->local(now_);
  const auto heard = std::make_shared<bool>(false);
  const auto tell = [=, this](const Answer& answer) {
    if (who->over || std::exchange(*heard, true)) return;
    hear(who, answer, sent);
  };
  by(who, who->global(who->state.answer_by(sent)), [=] { tell(Failed{"no answer in time"}); });
  if (who->cut_off || down_) return;
  at(now_ + latency(), [=, this] {
    const auto* claim = std::get_if<Claim>(&move);
    const Answer answer = claim == nullptr ? server_.look() : server_.write(*claim, now_);
    if (who->cut_off || down_) return;
    by(who, now_ + latency(), [=] { tell(answer); });
  });
}

void Simulation::hear(const Member& who, const Answer& answer, SteadyTime sent) {
  const SteadyTime now = who->local(now_);
  who->state.heard(answer, sent, now, jitter());
  const std::optional<SteadyTime> until = who->state.leads_until();
  if (until && now < *until) {
    if (!who->fence) ++leaders_;
    who->fence = who->global(*until);
    server_.changes_until = std::max(server_.changes_until, *who->fence + slack);
  }
  turn(who);
}

// Its deadline is the fence's. It may be executed after that, but not by more than the slack, even if its sender is
// dead.
void Simulation::try_change(const Member& who) {
  by(who, now_ + between(Micros(1'000), second), [=, this] {
    if (who->over) return;
    try_change(who);
    if (!who->passes(now_)) return;
    const Micros arrival = std::min(now_ + latency(), *who->fence + (calm_ ? Micros(0) : between(Micros(0), slack)));
    if (arrival >= *who->fence) ++late_;
    ++who->changing;
    at(arrival, [=, this] {
      ++changes_;
      --who->changing;
      EXPECT_EQ(server_.holder(), who->identity) << "a change by who does not hold the lease, at " << now_.count();
    });
  });
}

void Simulation::hand_over(const Member& who) {
  const std::optional<Claim> release = who->state.release(noon + now_);
  leave(who);
  if (release) give_back(who, *release);
}

// After its changes are over, as fence.h waits for them; whether it is heard is up to the network.
void Simulation::give_back(const Member& who, const Claim& release) {
  if (who->changing > 0) return by(who, now_ + Micros(10'000), [=, this] { give_back(who, release); });
  if (who->cut_off || down_) return;
  at(now_ + latency(), [=, this] { server_.write(release, now_); });
}

void Simulation::disturb() {
  const Member& who = members_[static_cast<std::size_t>(random_() % members_.size())];
  switch (random_() % 6) {
    case 0:
      who->cut_off = !who->cut_off;
      break;
    case 1:
      who->frozen_until = now_ + between(second, 40 * second);
      break;
    case 2:
      if (!who->over) leave(who);
      break;
    case 3:
      if (!who->over && now_ >= who->frozen_until) hand_over(who);
      break;
    case 4:
      down_ = true;
      at(now_ + between(second, 25 * second), [this] { down_ = false; });
      break;
    default:
      who->cut_off = false;
  }
}

void Simulation::hold() {
  members_.resize(2 + random_() % 4);
  for (std::size_t place = 0; place < members_.size(); ++place) join(place);
  for (int round = 0; round < 4 && !::testing::Test::HasFailure(); ++round) {
    calm_ = false;
    const Micros end = now_ + between(20 * second, 120 * second);
    while (now_ < end && !::testing::Test::HasFailure()) {
      disturb();
      run_until(now_ + between(Micros(10'000), 15 * second));
    }
    calm_ = true;
    down_ = false;
    for (const Member& member : members_) member->cut_off = false;
    run_until(now_ + 40 * second);  // outages and frozen processes of before
    down_ = false;
    run_until(now_ + calm_enough);
    const std::string leader = server_.holder();
    const auto leads = [&] {
      return std::any_of(members_.begin(), members_.end(),
                         [&](const Member& member) { return member->identity == leader && member->passes(now_); });
    };
    EXPECT_TRUE(leads()) << "nobody leads after a calm";
    run_until(now_ + 60 * second);
    EXPECT_TRUE(leads()) << "the leader changed without a cause";
  }
}

std::vector<std::uint64_t> seeds() {
  if (const char* one = std::getenv("TRIBUTARY_SEED")) return {std::stoull(one)};
  const char* count = std::getenv("TRIBUTARY_SEEDS");
  std::vector<std::uint64_t> drawn(count == nullptr ? 2'000 : std::stoull(count));
  std::random_device source;
  for (std::uint64_t& seed : drawn) seed = source();
  return drawn;
}

TEST(LeaseAtRandom, nobody_changes_anything_that_does_not_hold_the_lease_and_somebody_leads_when_all_is_calm) {
  int leaders = 0, changes = 0, late = 0;
  for (const std::uint64_t seed : seeds()) {
    SCOPED_TRACE("TRIBUTARY_SEED=" + std::to_string(seed));
    Simulation simulation(seed);
    simulation.hold();
    leaders += simulation.leaders();
    changes += simulation.changes();
    late += simulation.late_changes();
    if (HasFailure()) break;
  }
  std::cout << leaders << " leaders, " << changes << " changes, " << late << " executed after their deadline\n";
}

}  // namespace
}  // namespace tributary::kube::leasing
