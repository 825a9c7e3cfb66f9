#pragma once

#include <optional>

#include "engine/pipeline/holds.h"
#include "engine/postgres/ledger/hold_ledger.h"
#include "engine/postgres/sync/claim.h"

namespace tributary::postgres::sync {

// The askers that the target's ledger tells of. Borrows the claim, which is made when an applier is.
class Holds final : public pipeline::Holds {
 public:
  explicit Holds(std::optional<Claimed>& claimed) : claimed_(claimed) {}

  Result<std::optional<pipeline::HoldRequest>> wanted(const Until& until) override {
    return read_wanted_hold(claimed_->control, claimed_->owner.key, until);
  }
  Result<bool> stand(const pipeline::HoldRequest& request, model::Lsn applied, const Until& until) override {
    return record_standing(claimed_->control, claimed_->owner.key, request.asker, applied, until);
  }
  Result<pipeline::HoldWord> hear(const pipeline::HoldRequest& request, const Until& until) override {
    return read_hold_word(claimed_->control, claimed_->owner.key, request.asker, until);
  }
  Result<bool> reach(const pipeline::HoldRequest& request, model::Lsn applied, pipeline::Stood stood,
                     const Until& until) override {
    return record_reached(claimed_->control, claimed_->owner.key, request.asker, applied, stood, until);
  }
  Result<void> end(const pipeline::HoldRequest& request, pipeline::HoldEnd how, pipeline::Stood stood,
                   const Until& until) override {
    return record_hold_end(claimed_->control, claimed_->owner.key, request.asker, how, stood, until);
  }

 private:
  std::optional<Claimed>& claimed_;
};

}  // namespace tributary::postgres::sync
