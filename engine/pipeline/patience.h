#pragma once

#include "engine/api/spec.h"
#include "engine/base/clock.h"

namespace tributary::pipeline {

// Of an object of Kubernetes: a command line names no replication.
inline bool is_declared(const api::Spec& spec) {
  return !spec.replication.empty();
}

// Somebody who started the engine by hand waits this long for a fault to pass.
constexpr Seconds patience_by_hand{120};

// How long another engine is waited for to end. Where nobody looks on: longer than a server needs to notice that the
// other one is gone (postgres/session_settings.cpp).
inline Seconds lock_patience(const api::Spec& spec) {
  return is_declared(spec) ? Seconds{120} : Seconds{10};
}

}  // namespace tributary::pipeline
