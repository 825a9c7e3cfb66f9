#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "operator/kube/object.h"

// Leader election as a pure state machine (kubernetes.md 2.8, after client-go's leaderelection): which record of the
// Lease was seen, when by this process's own monotonic clock, and what to do next. The shell (lease.h) does it and says
// what came of it.
//
//   candidate:  Rest --> Look --held by another, in time--> Rest
//                          `--free, expired, absent or our own--> Claim --written--> leader
//   leader:     Rest --> Claim (no look before) --written--> Rest
//                          `--any failure--> Look --our own or absent--> Claim
//                                              `--held by another--> Resign
//               nothing written for Terms::renew --> Resign
//
// No time in a record is ever compared with a clock: a holder's lease ends when its record has not changed for as long
// as the record says, measured here from when that state of it was seen first. All times of one LeaseState are of one
// clock, whatever that shows.
namespace tributary::kube::leasing {

// lease > renew > 1.2 * retry.
struct Terms {
  Milliseconds lease{15'000};  // others wait this long for a holder that is silent; whole seconds
  Milliseconds renew{10'000};  // a leader that has not renewed for this long is none any more
  Milliseconds retry{2'000};   // between two tries; a candidate waits up to 2.2 times as long

  Milliseconds request() const { return renew / 2; }
};

// The spec of a coordination.k8s.io/v1 Lease. Its times are for people.
struct Record {
  std::string holder;  // empty: free
  std::int64_t duration_seconds = 0;
  std::string acquired;
  std::string renewed;
  std::int64_t transitions = 0;

  bool operator==(const Record&) const = default;
};
Record record_of(const Object& lease);
// `lease` with the record in its spec; what else it holds stays.
Object with_record(Object lease, const Record& record);

// What to do next.
struct Rest {
  SteadyTime until;
};
struct Look {};  // GET
struct Claim {   // PUT over the version that was seen, POST where there is none
  Record record;
  std::string version;  // "": there is no Lease
};
struct Resign {  // for ever: whoever asked for the lease ends
  std::string why;
};
using Move = std::variant<Rest, Look, Claim, Resign>;

// What came of a Look or a Claim.
struct Found {
  Record record;
  std::string version;
};
struct Absent {};
struct Written {
  Record record;
  std::string version;  // of the Lease that was written
};
struct Failed {  // a lost race, a refusal, no answer: what is on the server is not known
  std::string why;
};
using Answer = std::variant<Found, Absent, Written, Failed>;

class LeaseState {
 public:
  LeaseState(std::string identity, Terms terms) : identity_(std::move(identity)), terms_(terms) {}

  // `wall` is what a new record says of the time.
  Move next(SteadyTime now, WallTime wall) const;
  // `sent` is from before the request left. `jitter` from [0, 1) spreads the tries of candidates.
  void heard(const Answer& answer, SteadyTime sent, SteadyTime now, double jitter);

  // Whether it has led, even if that is over.
  bool leads() const { return renewed_.has_value(); }
  // When the last renewal that succeeded was sent.
  std::optional<SteadyTime> renewed() const { return renewed_; }
  // Until when this process leads: renewed() and Terms::renew. Never extended once it has passed.
  std::optional<SteadyTime> leads_until() const;
  // By when an answer is of use.
  SteadyTime answer_by(SteadyTime now) const;
  // As seen last; empty: nobody holds it, or nothing was seen.
  std::string holder() const { return seen_ ? seen_->record.holder : std::string(); }

  // What gives the lease back: anybody may take it at once. Nothing for who does not lead. It is offered again after
  // each look, as long as the record is ours.
  std::optional<Claim> release(WallTime wall) const;

 private:
  struct Seen {
    Record record;
    std::string version;
    SteadyTime since;  // when this record was seen first
  };
  enum class Step { begin, look, claim };

  void hear(const Found& found, SteadyTime sent, SteadyTime now, double jitter);
  void hear(const Absent& absent, SteadyTime sent, SteadyTime now, double jitter);
  void hear(const Written& written, SteadyTime sent, SteadyTime now, double jitter);
  void hear(const Failed& failed, SteadyTime sent, SteadyTime now, double jitter);
  void see(const Record& record, const std::string& version, SteadyTime now);
  void end_try(SteadyTime now, double jitter);
  bool held_by_another(SteadyTime now) const;
  Claim claim(WallTime wall) const;

  const std::string identity_;
  const Terms terms_;
  Step step_ = Step::begin;
  SteadyTime try_at_ = SteadyTime::min();
  std::optional<Seen> seen_;
  bool absent_ = false;  // there was no Lease at the last look
  std::optional<SteadyTime> renewed_;
  std::string usurper_;
  std::string trouble_;
};

}  // namespace tributary::kube::leasing
