#pragma once

#include <optional>

#include "operator/replication/observed.h"

// How long the slot of a copy that is not complete is there without an engine at the copy: between attempts, while no
// pod can be had, and while an engine waits for a server before its checks. The slot only saves the next attempt time,
// and nobody may ever come. All pure.
namespace tributary::replication {

// Notes in status.snapshot since when that is so.
void remember_hold(const Observed& seen, v1alpha1::Status& status);

// From when on what the copy holds is to be given back; nothing while an engine is at the copy.
std::optional<WallTime> slot_given_up_at(const Observed& seen, const v1alpha1::Status& status);
bool gives_up_slot(const Observed& seen, const v1alpha1::Status& status);

}  // namespace tributary::replication
