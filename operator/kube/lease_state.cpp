#include "operator/kube/lease_state.h"

#include <algorithm>
#include <utility>

namespace tributary::kube::leasing {
namespace {

constexpr double candidate_jitter = 1.2;

// A record that somebody else wrote may say anything.
Seconds duration_of(const Record& record) {
  constexpr std::int64_t most = 24 * 60 * 60;
  return Seconds(std::clamp<std::int64_t>(record.duration_seconds, 0, most));
}

std::string in_seconds(Milliseconds span) {
  return std::to_string(std::chrono::duration_cast<Seconds>(span).count()) + " s";
}

}  // namespace

Record record_of(const Object& lease) {
  const Json& spec = at(lease.json(), {"spec"});
  return {text_at(spec, {"holderIdentity"}), integer_at(spec, {"leaseDurationSeconds"}), text_at(spec, {"acquireTime"}),
          text_at(spec, {"renewTime"}), integer_at(spec, {"leaseTransitions"})};
}

Object with_record(Object lease, const Record& record) {
  Json& spec = lease.json()["spec"];
  if (!spec.is_object()) spec = Json::object();
  spec["holderIdentity"] = record.holder;
  spec["leaseDurationSeconds"] = record.duration_seconds;
  spec["acquireTime"] = record.acquired;
  spec["renewTime"] = record.renewed;
  spec["leaseTransitions"] = record.transitions;
  return lease;
}

std::optional<SteadyTime> LeaseState::leads_until() const {
  if (!renewed_) return std::nullopt;
  return *renewed_ + terms_.renew;
}

SteadyTime LeaseState::answer_by(SteadyTime now) const {
  const SteadyTime limit = now + terms_.request();
  return leads() ? std::min(limit, *leads_until()) : limit;
}

Move LeaseState::next(SteadyTime now, WallTime wall) const {
  if (!usurper_.empty()) return Resign{"it is held by " + usurper_};
  if (leads() && now >= *leads_until()) {
    const std::string cause = trouble_.empty() ? "this process did not run" : trouble_;
    return Resign{"it was not renewed for " + in_seconds(terms_.renew) + ": " + cause};
  }
  if (step_ == Step::claim) return claim(wall);
  if (step_ == Step::look) return Look{};
  if (now < try_at_) return Rest{leads() ? std::min(try_at_, *leads_until()) : try_at_};
  if (leads() && !absent_) return claim(wall);
  return Look{};
}

Claim LeaseState::claim(WallTime wall) const {
  const std::string now = micro_time(wall);
  Record record{identity_, std::chrono::duration_cast<Seconds>(terms_.lease).count(), now, now, 0};
  if (seen_) {
    const bool ours = seen_->record.holder == identity_;
    record.transitions = seen_->record.transitions + (ours ? 0 : 1);
    if (ours) record.acquired = seen_->record.acquired;
  }
  return {std::move(record), seen_ && !absent_ ? seen_->version : ""};
}

std::optional<Claim> LeaseState::release(WallTime wall) const {
  if (!leads() || !seen_ || seen_->record.holder != identity_) return std::nullopt;
  const std::string now = micro_time(wall);
  return Claim{{"", 1, now, now, seen_->record.transitions}, seen_->version};
}

void LeaseState::heard(const Answer& answer, SteadyTime sent, SteadyTime now, double jitter) {
  std::visit([&](const auto& one) { hear(one, sent, now, jitter); }, answer);
}

void LeaseState::see(const Record& record, const std::string& version, SteadyTime now) {
  absent_ = false;
  if (!seen_ || seen_->record != record) {
    seen_ = Seen{record, version, now};
  } else {
    seen_->version = version;
  }
}

bool LeaseState::held_by_another(SteadyTime now) const {
  if (!seen_ || seen_->record.holder.empty() || seen_->record.holder == identity_) return false;
  return now < seen_->since + duration_of(seen_->record);
}

void LeaseState::end_try(SteadyTime now, double jitter) {
  step_ = Step::begin;
  const double stretched = static_cast<double>(terms_.retry.count()) * (1 + candidate_jitter * jitter);
  try_at_ = now + (leads() ? terms_.retry : Milliseconds(static_cast<Milliseconds::rep>(stretched)));
}

void LeaseState::hear(const Found& found, SteadyTime /*sent*/, SteadyTime now, double jitter) {
  see(found.record, found.version, now);
  const bool another = !found.record.holder.empty() && found.record.holder != identity_;
  if (leads() && another) usurper_ = found.record.holder;
  if (held_by_another(now)) return end_try(now, jitter);
  step_ = Step::claim;
}

// A Lease that somebody has deleted does not end what its holder was promised.
void LeaseState::hear(const Absent& /*absent*/, SteadyTime /*sent*/, SteadyTime now, double jitter) {
  absent_ = true;
  if (held_by_another(now)) return end_try(now, jitter);
  step_ = Step::claim;
}

void LeaseState::hear(const Written& written, SteadyTime sent, SteadyTime now, double jitter) {
  // A record equal to the one before changes nothing, so others do not see that it was renewed.
  if (seen_ && !absent_ && seen_->version == written.version)
    return hear(Failed{"the record was not changed by writing it"}, sent, now, jitter);
  see(written.record, written.version, now);
  // What came too late is of no use, whatever the record says: leadership that is over stays over.
  if (now >= (leads() ? *leads_until() : sent + terms_.renew))
    return hear(Failed{"the answer came too late"}, sent, now, jitter);
  trouble_.clear();
  renewed_ = sent;
  end_try(now, jitter);
}

void LeaseState::hear(const Failed& failed, SteadyTime /*sent*/, SteadyTime now, double jitter) {
  trouble_ = failed.why;
  if (leads() && step_ == Step::begin) {
    step_ = Step::look;
    return;
  }
  end_try(now, jitter);
}

}  // namespace tributary::kube::leasing
