#include "engine/pipeline/standstill.h"

#include "engine/base/pause.h"

namespace tributary::pipeline {
namespace {

constexpr Milliseconds between_words{2};
// What telling the asker may take where a stop has come already.
constexpr Seconds last_word{5};

Stood since_then(SteadyTime then) {
  return std::chrono::duration_cast<Stood>(SteadyClock::now() - then);
}

}  // namespace

Stance judge(const HoldWord& word, bool is_at_cut, model::Lsn position, Stood stood, Milliseconds limit) {
  if (word.kind == HoldWord::Kind::gone) return Stance::released;
  // What lies between such a cut and the position is in the target already.
  if (word.kind == HoldWord::Kind::cut && !is_at_cut) return word.cut < position ? Stance::expired : Stance::go_to_cut;
  return stood < limit ? Stance::stand : Stance::expired;
}

Result<bool> Standstill::tend(const Until& until) {
  if (!request_) {
    if (!look_due_.passed()) return false;
    look_due_ = Deadline::after(look_every_);
    request_ = TRY(holds_.wanted(until));
    if (!request_) return false;
  }
  if (cut_) return feed_.given() < *cut_ ? Result<bool>{false} : stand_at_cut(until);
  TRY(stand_for_cut(until));
  return false;
}

Result<void> Standstill::stand_for_cut(const Until& until) {
  if (!TRY(feed_.settle(until, Pace::Commit::fast))) return {};
  const SteadyTime since = SteadyClock::now();
  if (!TRY(holds_.stand(*request_, feed_.given(), until))) {
    forget();
    return {};
  }
  const Stance stance = TRY(stand_since(since, until));
  stood_ = since_then(since);
  if (stance == Stance::go_to_cut) return {};
  return end(stance == Stance::released ? HoldEnd::released : HoldEnd::expired, stood_);
}

// Nothing is committed from here on that the asker does not know of.
Result<bool> Standstill::stand_at_cut(const Until& until) {
  TRY(feed_.settle(until, Pace::Commit::fast));
  const SteadyTime since = SteadyClock::now();
  if (!TRY(holds_.reach(*request_, feed_.given(), stood_, until))) {
    forget();
    return false;
  }
  const bool is_released = TRY(stand_since(since, until)) == Stance::released;
  TRY(end(is_released ? HoldEnd::released : HoldEnd::expired, since_then(since)));
  return is_released;
}

Result<Stance> Standstill::stand_since(SteadyTime since, const Until& until) {
  while (true) {
    const HoldWord word = TRY(holds_.hear(*request_, until));
    const Stance stance = judge(word, cut_.has_value(), feed_.given(), since_then(since), request_->limit);
    if (stance == Stance::go_to_cut) {
      cut_ = word.cut;
      feed_.cut_at(word.cut);
    }
    if (stance != Stance::stand) return stance;
    if (!pause_for(between_words, until.stop)) return Stance::expired;
  }
}

Result<void> Standstill::give_up(const Until& until) {
  if (!request_) return {};
  const HoldRequest request = *request_;
  forget();
  return holds_.end(request, HoldEnd::expired, Stood{0}, until);
}

Result<void> Standstill::end(HoldEnd how, Stood stood) {
  const HoldRequest request = *request_;
  forget();
  return holds_.end(request, how, stood, {Deadline::after(last_word), {}});
}

void Standstill::forget() {
  request_.reset();
  cut_.reset();
  feed_.lift_cut();
}

}  // namespace tributary::pipeline
