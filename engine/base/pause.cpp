#include "engine/base/pause.h"

#include <condition_variable>
#include <mutex>

namespace tributary {

bool pause_for(Milliseconds span, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, span, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace tributary
