#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/cli/painter.h"
#include "engine/cli/speed.h"
#include "engine/pipeline/progress.h"

// How progress is shown while work goes on: a live block on a terminal, or now and then a line in the log.
namespace tributary::cli {

// Calls a function every `period` on a thread of its own until stopped.
class Ticker {
 public:
  Ticker(Milliseconds period, std::function<void()> tick);
  ~Ticker() { stop(); }
  void stop();  // after it returned no call is running and none will come

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::once_flag joined_;
  std::thread thread_;
};

// Repaints standard error five times a second and lets log lines scroll by above the block. One per process.
class LiveDisplay {
 public:
  explicit LiveDisplay(const pipeline::ProgressBoard& board);
  ~LiveDisplay();
  void stop();  // removes the block

 private:
  void draw();
  void write_line(std::string_view line);

  const pipeline::ProgressBoard& board_;
  std::mutex mutex_;  // guards what is below
  Speeds speeds_;
  Painter painter_;
  std::vector<std::string> lines_;
  bool stopped_ = false;
  Ticker ticker_;
};

// One line when the phase changes, and one every 30 seconds while something moves.
class LogDisplay {
 public:
  explicit LogDisplay(const pipeline::ProgressBoard& board);
  void stop() { ticker_.stop(); }

 private:
  void look();

  const pipeline::ProgressBoard& board_;
  Speeds speeds_;
  std::string phase_;
  std::string message_;
  std::string summary_;
  SteadyTime said_;
  Ticker ticker_;
};

}  // namespace tributary::cli
