#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tributary::testbed {

// A program under test as a process of its own. Killed, if it still runs, when its owner goes. Failures to start throw.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const;
  bool is_running() const;
  // The exit code, or the negative number of the signal that ended it.
  int wait();
  // After wait().
  std::string output() const { return read("out"); }
  std::string errors() const { return read("err"); }

 private:
  std::string read(const char* name) const;
  std::filesystem::path folder_;
  pid_t pid_ = -1;
};

// The executable of this name in the folder of the test's own.
std::string built_program(const std::string& name);

}  // namespace tributary::testbed
