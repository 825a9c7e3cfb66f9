#pragma once

#include <optional>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/feed.h"
#include "engine/pipeline/holds.h"

namespace tributary::pipeline {

// What a stream that stands still does next: a pure decision.
enum class Stance { stand, go_to_cut, released, expired };
// `is_at_cut`: it stands for the second time. `position` is where it stands.
Stance judge(const HoldWord& word, bool is_at_cut, model::Lsn position, Stood stood, Milliseconds limit);

// Answers those who want the stream to stand still, one after the other, between the turns of its feed. Borrows both;
// used by the thread that follows.
class Standstill {
 public:
  Standstill(Holds& holds, Feed& feed, Milliseconds look_every) : holds_(holds), feed_(feed), look_every_(look_every) {}

  // To be called after each turn of the feed. Looks for a request now and then; stands still where one is to be
  // answered and the feed lies between two transactions, until it may go on. True where somebody has had his moment.
  Result<bool> tend(const Until& until);
  // When the next look is due; what a request waits for comes with the feed.
  Milliseconds patience() const { return request_ ? look_every_ : look_due_.left(); }
  // The feed is not turned any more: whoever waits is told so.
  Result<void> give_up(const Until& until);

 private:
  Result<void> stand_for_cut(const Until& until);
  Result<bool> stand_at_cut(const Until& until);
  Result<Stance> stand_since(SteadyTime since, const Until& until);
  Result<void> end(HoldEnd how, Stood stood);
  void forget();

  Holds& holds_;
  Feed& feed_;
  const Milliseconds look_every_;
  Deadline look_due_ = Deadline::after(Milliseconds{0});
  std::optional<HoldRequest> request_;
  std::optional<model::Lsn> cut_;  // that the feed is on its way to
  Stood stood_{0};                 // for the cut
};

}  // namespace tributary::pipeline
