#include "operator/torture/trial.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "operator/api/testing/crd_schema.h"
#include "operator/kube/kinds.h"
#include "operator/kube/testing/condition.h"
#include "operator/replication/scope.h"
#include "operator/torture/state.h"

namespace tributary::torture {
namespace {

using kube::Json;
using kube::Object;
using kube::testing::FakeApiServer;
using kube::testing::Misfortune;
using kube::testing::Served;
using replication::replications;
namespace kinds = kube::kinds;

constexpr Milliseconds patience{90'000};  // of the machine, with one moment
constexpr Milliseconds look{5};

bool comes_true(const std::function<bool()>& condition, Milliseconds limit) {
  return kube::testing::comes_true(condition, limit, look);
}

kube::WatchOptions hasty_watches() {
  kube::WatchOptions options;
  options.client = {.timeout = Seconds(1), .retry_wait = Seconds(2), .broken_wait = Milliseconds(10)};
  options.limits = {.open = Seconds(1), .idle = Milliseconds(800)};
  options.page = 1;
  options.backoff = {.first = Milliseconds(8), .cap = Milliseconds(300)};
  options.reopen_wait = Milliseconds(10);
  return options;
}

class PassCounter final : public kube::Meter {
 public:
  void pass_ended(kube::PassEnd, Span) override { ++passes_; }
  int passes() const { return passes_; }

 private:
  std::atomic<int> passes_ = 0;
};

class Life {
 public:
  explicit Life(const Script& script);
  ~Life() { server_.set_fate({}); }

  Outcome live(const Outcome* expected);

 private:
  replication::ControllerOptions options();
  bool elects() const;
  bool outlasts_deletion() const;
  bool may_leave_something() const;
  bool is_going_on() const;
  void begin_fault();
  void create();
  void insist(const std::function<bool(const kube::Client&)>& does);
  void ask_to_delete();
  void act(Moment moment);
  bool comes_to(Moment moment);
  bool is_gone() const;
  void disturb();
  void rest();
  void settle();
  bool looks_twice_at(Moment moment);
  void compare(Moment moment, const Outcome* expected);
  void compare_end();
  void check_all(const Outcome* expected);
  void complain(const std::string& what) { outcome_.complaints.push_back(what); }
  v1alpha1::Replication replication() const {
    return v1alpha1::replication_from_json(server_.find(replications(), shop).json());
  }
  int writes() const;

  const Script script_;
  Credentials credentials_;
  const Clock clock_;
  Clock operator_clock_;  // shows the same, as long as nobody steps it
  PassCounter passes_;
  std::mt19937_64 random_;
  Engines engines_;
  FakeApiServer server_;
  std::optional<Cluster> cluster_;
  std::optional<Process> process_;
  std::optional<Disturbance> disturbance_;
  std::string uid_;
  SteadyTime begun_;  // the last moment
  Outcome outcome_;
};

Life::Life(const Script& script)
    : script_(script),
      credentials_(script.fault == FaultKind::ca_rotated),
      random_(script.seed),
      server_({.token = "first",
               .certificate_file = credentials_.certificate_file(),
               .key_file = credentials_.key_file(),
               .clock = [this] { return clock_.now(); },
               .as_cluster = true,
               .bookmark_every = Milliseconds(300)}) {
  server_.serve(replications(), true, v1alpha1::testing::crd_schema());
  for (const char* name : {"shop-source", "shop-target"}) {
    const Json annotations = {{"kubectl.kubernetes.io/last-applied-configuration", planted}};
    server_.put(kinds::secrets,
                {{"metadata", {{"name", name}, {"namespace", shop.space}, {"annotations", annotations}}},
                 {"data", {{"password", planted}}}});
  }
  server_.put(kinds::secrets, {{"metadata", {{"name", "key"}, {"namespace", "system"}}}});
  cluster_.emplace(server_, engines_, clock_, random_());
  process_.emplace(credentials_.of_operator(server_.config()), elects() ? 2 : 1, [this] { return options(); });
  process_->kill_after(script.kill_after);
  disturbance_.emplace(
      script.fault, script.moment, random_(),
      Disturbance::Surroundings{server_, *cluster_, engines_, *process_, operator_clock_, credentials_});
  server_.set_fate([this](const Served& served) {
    const Misfortune fate = process_->judge(served);
    return fate.kind == Misfortune::Kind::none ? disturbance_->judge(served) : fate;
  });
}

replication::ControllerOptions Life::options() {
  replication::ControllerOptions options{.image = "tributary:test", .workers = 2};
  options.ask = engines_.ask();
  options.tell = engines_.tell();
  if (script_.plan->orders_release) options.release_key = {"system", "key"};
  options.clock = [this] { return operator_clock_.now(); };
  options.meter = &passes_;
  options.watches = hasty_watches();
  options.client = options.watches.client;
  if (elects()) options.client.timeout = Seconds(30);  // so that nothing but the lease ends a change that stands still
  options.retries = {.item_first = Milliseconds(1), .item_cap = Milliseconds(300), .bucket_rate = 1000};
  options.haste = haste;
  return options;
}

bool Life::elects() const {
  return script_.fault == FaultKind::two_leaders || script_.fault == FaultKind::lease_refused;
}

// --- what its user does

// What holds its children holds them for longer than its deletion may take.
bool Life::outlasts_deletion() const {
  return script_.fault == FaultKind::child_stuck && script_.moment == Moment::remove;
}

bool Life::may_leave_something() const {
  const bool ahead = script_.fault == FaultKind::clock_steps && script_.moment == Moment::remove;
  return script_.fault == FaultKind::namespace_ends || outlasts_deletion() || ahead;
}

void Life::create() {
  uid_ =
      server_
          .put(replications(),
               {{"metadata", {{"name", shop.name}, {"namespace", shop.space}, {"annotations", {{touched, "not yet"}}}}},
                {"spec", script_.plan->spec}})
          .uid();
}

// He tries until it is accepted.
void Life::insist(const std::function<bool(const kube::Client&)>& does) {
  const auto transport = kube::open_rest_transport(credentials_.of_user(server_.config()));
  const kube::Client user(*transport, {}, {});
  const Deadline patient = Deadline::after(patience);
  while (!does(user)) {
    if (patient.passed()) return complain("what its user wants is never accepted");
    disturbance_->go_on();
    std::this_thread::sleep_for(look);
    if (SteadyClock::now() - begun_ > real(Seconds(30))) disturbance_->lift();
  }
}

void Life::ask_to_delete() {
  if (outlasts_deletion()) {
    const Json impatient = {{"spec", {{"deletion", {{"timeout", "2m"}}}}}};
    insist([&](const kube::Client& user) { return user.merge_patch(replications(), shop, impatient).ok(); });
  }
  insist([&](const kube::Client& user) {
    (void)user.remove(replications(), shop);
    const Object object = server_.find(replications(), shop);
    return object.json().is_null() || object.deleting();
  });
}

void Life::act(Moment moment) {
  begun_ = SteadyClock::now();
  if (moment == Moment::create) create();
  if (script_.fault == FaultKind::recreated && script_.moment == moment) {
    ask_to_delete();
    if (!comes_true([&] { return is_gone(); }, patience)) complain("it does not go, so that another may come");
    create();
    if (moment == Moment::update) compare(Moment::create, nullptr);
  }
  if (moment == Moment::remove) ask_to_delete();
  if (moment == Moment::update)
    insist([&](const kube::Client& user) { return user.merge_patch(replications(), shop, script_.plan->change).ok(); });
}

// --- what comes of it

bool Life::is_gone() const {
  return server_.find(replications(), shop).json().is_null();
}

bool Life::comes_to(Moment moment) {
  switch (moment) {
    case Moment::create:
    case Moment::steady:
      return script_.plan->is_created(replication());
    case Moment::update:
      return script_.plan->is_changed(replication());
    case Moment::remove:
      return is_gone();
  }
  std::abort();
}

// A fault is over only when something has come of it.
bool Life::is_going_on() const {
  return (outlasts_deletion() && !is_gone()) || !disturbance_->came();
}

// What is to stand still must go, and what is to fall silent must speak.
void Life::begin_fault() {
  const bool stands_still = script_.fault == FaultKind::two_leaders;
  const auto is_at_work = [&] { return server_.open_streams() > 0 && (!stands_still || process_->leads()); };
  const bool has_to_be = stands_still || script_.fault == FaultKind::half_open;
  if (has_to_be && !comes_true(is_at_work, patience)) complain("no operator comes to work");
  disturbance_->begin();
}

void Life::disturb() {
  const Seconds usual(20 + static_cast<int>(random_() % 40));
  const SteadyTime until = SteadyClock::now() + real(disturbance_->lasts_longer() + usual);
  const bool waits = outlasts_deletion() || script_.fault == FaultKind::two_leaders;
  const Deadline patient = Deadline::after(waits ? patience : real(disturbance_->lasts_longer() + Seconds(250)));
  while (SteadyClock::now() < until || (is_going_on() && !patient.passed())) {
    disturbance_->go_on();
    std::this_thread::sleep_for(look);
  }
  if (outlasts_deletion() && !is_gone()) complain("its finalizer is left after spec.deletion.timeout");
  disturbance_->lift();
  outcome_.came = disturbance_->came();
}

int Life::writes() const {
  int count = 0;
  for (const Served& served : server_.served())
    if (served.user_agent.starts_with("incarnation-") && is_write(served)) ++count;
  return count;
}

// Until nothing has happened for half a minute of our clock.
void Life::settle() {
  std::string before;
  std::uint64_t version = 0;
  SteadyTime since = SteadyClock::now();
  const auto is_still = [&] {
    const std::uint64_t seen = std::exchange(version, server_.version());
    if (seen == version) return SteadyClock::now() - since >= real(Seconds(30));
    const std::string now = state_of(server_, false);
    if (now != before) since = SteadyClock::now();
    before = now;
    return SteadyClock::now() - since >= real(Seconds(30));
  };
  if (!comes_true(is_still, patience)) complain("it never comes to rest");
}

// An operator at rest writes nothing but, once a minute, how its stream fares. It comes to rest when its caches have
// come to the present, which may take it some minutes.
void Life::rest() {
  constexpr int most = 2, minutes = 4;
  std::string what;
  for (int minute = 0; minute < minutes; ++minute) {
    const int before = writes();
    const std::size_t happened = server_.history().size();
    std::this_thread::sleep_for(real(Seconds(60)));
    if (writes() - before <= most) return;
    what = std::to_string(writes() - before) + " times in a minute of rest";
    for (const kube::testing::Logged& entry : server_.history(happened))
      what += "\n" + entry.collection + Json::diff(entry.before, entry.after).dump();
  }
  complain("it wrote " + what);
}

// Has the operator look again, twice: a pass may have been under way. What was so for a moment alone is found out.
bool Life::looks_twice_at(Moment moment) {
  for (const char* time : {"once", "twice"}) {
    const int before = passes_.passes();
    const Json touch = {{"metadata", {{"annotations", {{touched, std::string(name_of(moment)) + " " + time}}}}}};
    insist([&](const kube::Client& user) { return user.merge_patch(replications(), shop, touch).ok(); });
    if (!comes_true([&] { return passes_.passes() > before; }, patience)) return false;
  }
  return true;
}

void Life::compare(Moment moment, const Outcome* expected) {
  if (!comes_true([&] { return comes_to(moment); }, patience))
    return complain("at " + std::string(name_of(moment)) + " it does not come to what was asked for");
  if (expected == nullptr) {
    settle();
    if (!looks_twice_at(moment)) return complain("it is not looked at again");
    settle();
    outcome_.marks[moment] = {state_of(server_, false), state_of(server_, true)};
    return;
  }
  const bool two_ways = script_.plan->ends_in_two_ways && moment == Moment::update;
  const bool without_jobs = entry_of(script_.fault).leaves_jobs_out || two_ways;
  const Mark& mark = expected->marks.at(moment);
  const std::string& wanted = without_jobs ? mark.without_jobs : mark.whole;
  std::string found;
  std::uint64_t version = 0;
  const auto is_equal = [&] {
    const std::uint64_t seen = std::exchange(version, server_.version());
    if (seen == version) return false;
    found = state_of(server_, without_jobs);
    return found == wanted;
  };
  const Deadline patient = Deadline::after(patience);
  const std::string at = "at " + std::string(name_of(moment));
  do {
    if (!comes_true(is_equal, patience)) return complain(at + " its state is another: " + difference(wanted, found));
    if (!looks_twice_at(moment)) return complain(at + " it is not looked at again");
    version = 0;
  } while (!is_equal() && !patient.passed());
  if (found != wanted) complain(at + " its state does not stay: " + difference(wanted, found));
}

void Life::compare_end() {
  const auto children = [&] {
    std::size_t count = 0;
    for (const kube::Resource& resource : {kinds::jobs, kinds::deployments, kinds::config_maps, kinds::pods})
      count += server_.all(resource).size();
    return count;
  };
  if (!comes_true([&] { return children() == 0; }, patience)) complain("something of it is left in the cluster");
  if (!engines_.holds(uid_)) return;
  const auto says_so = [&] {
    const std::vector<Object> events = server_.all(kinds::events);
    return std::any_of(events.begin(), events.end(), [](const Object& event) {
      return kube::text_at(event.json(), {"reason"}) == "SourceObjectsLeft";
    });
  };
  if (may_leave_something() && comes_true(says_so, Seconds(2))) return;
  complain("the source still holds something for it");
}

void Life::check_all(const Outcome* expected) {
  const int of_attempts = entry_of(script_.fault).leaves_jobs_out ? 6 : 3;  // further ones start again
  const int more = expected == nullptr ? 6 : of_attempts;
  const std::vector<kube::testing::Logged> history = server_.history();
  std::vector<std::string> calm = expected == nullptr ? std::vector<std::string>() : expected->reasons;
  if (script_.fault == FaultKind::recreated && expected != nullptr) {
    for (const std::string& reason : expected->reasons) calm.push_back(reason);
  }
  for (const std::string& complaint : violations(history, calm, more)) complain(complaint);
  for (const Served& served : server_.served()) {
    if (served.path.find("/namespaces/system/secrets") != std::string::npos) continue;
    if ((served.body + served.query + served.path).find(planted) != std::string::npos)
      complain("a Secret's content stands in " + served.path);
  }
  const int blind = script_.fault == FaultKind::name_taken ? 0 : blind_creations(server_.served(), history);
  if (process_->usurpations() > 0) complain("it wrote while another led");
  if (blind > 0) complain("it created " + std::to_string(blind) + " Jobs without looking whether they were there");
  outcome_.reasons = reasons(history);
  outcome_.writes = writes();
  outcome_.was_killed = process_->was_killed();
  if (expected == nullptr) return;
  const int most = 4 * expected->writes + 60;
  if (outcome_.writes > most)
    complain("it wrote " + std::to_string(outcome_.writes) + " times, of " + std::to_string(expected->writes));
  const bool copies_count =
      outcome_.complaints.empty() && !entry_of(script_.fault).leaves_jobs_out && script_.fault != FaultKind::recreated;
  if (copies_count && engines_.copies() != script_.plan->copies)
    complain("it copied " + std::to_string(engines_.copies()) + " times");
}

Outcome Life::live(const Outcome* expected) {
  for (const Moment moment : moments) {
    const bool disturbed = script_.fault != FaultKind::none && script_.moment == moment;
    if (disturbed) begin_fault();
    const bool ends = disturbed && script_.fault == FaultKind::namespace_ends;
    act(moment);
    if (ends && moment != Moment::remove) act(Moment::remove);
    if (disturbed) disturb();
    const Moment goal = ends ? Moment::remove : moment;
    if (goal == Moment::remove) {
      if (!comes_true([&] { return is_gone(); }, patience)) complain("its finalizer is left");
      compare_end();
    } else {
      compare(goal, expected);
    }
    if (goal == Moment::steady) rest();
    if (goal == Moment::remove || !outcome_.complaints.empty()) break;
  }
  check_all(expected);
  return std::move(outcome_);
}

}  // namespace

Script next_try(const Script& script, int tries) {
  constexpr std::uint64_t far = 1'000'003;
  Script next = script;
  const auto first = static_cast<std::size_t>(script.plan - plans().data());
  next.plan = &plans()[(first + static_cast<std::size_t>(tries)) % plans().size()];
  next.seed = script.seed + far * static_cast<std::uint64_t>(tries);
  return next;
}

Outcome live(const Script& script, const Outcome* expected) {
  return Life(script).live(expected);
}

}  // namespace tributary::torture
