#pragma once

#include <string>
#include <thread>

#include "engine/base/clock.h"
#include "engine/base/log.h"

namespace tributary::kube {

// Sets the log level to the word in a file, such as one that a ConfigMap is mounted as, and again whenever the file
// says something else: looked at every few seconds, since the kubelet replaces links above it. Without the file, or
// with an empty one, the level is `otherwise`. Any other content is warned of once and changes nothing. At most 64
// bytes are read. A thread of its own, joined by the destructor, which leaves the level as it is.
class LevelFile {
 public:
  LevelFile(std::string path, log::Level otherwise, Milliseconds every = Seconds(10));

 private:
  void look();

  const std::string path_;
  const log::Level otherwise_;
  log::Level level_;
  std::string content_;
  std::jthread thread_;
};

}  // namespace tributary::kube
