#include "operator/kube/watch_record.h"

namespace tributary::kube {

using namespace watching;  // the states and inputs are this file's vocabulary

WatchRecord::WatchRecord() {
  health_.begun = SteadyClock::now();
  for (const std::string& cause : causes()) {
    health_.restarts[cause] = 0;
    health_.relists[cause] = 0;
  }
}

void WatchRecord::note(const Input& input) {
  const bool good = std::holds_alternative<PageListed>(input) || std::holds_alternative<StreamOpened>(input);
  const auto* trouble = std::get_if<Trouble>(&input);
  if (!good && trouble == nullptr) return;
  const std::lock_guard lock(mutex_);
  health_.trouble.reset();
  if (trouble != nullptr) health_.trouble = trouble->what;
  if (good || trouble->kind == TroubleKind::forbidden) health_.forbidden = !good;
}

void WatchRecord::note(Turn turn, const std::string& cause) {
  if (turn == Turn::none) return;
  const std::lock_guard lock(mutex_);
  ++(turn == Turn::restart ? health_.restarts : health_.relists)[cause];
}

WatchHealth WatchRecord::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

}  // namespace tributary::kube
