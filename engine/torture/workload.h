#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// What goes on in a database while others disturb whoever follows it.
namespace tributary::torture {

// Makes the tables that a workload begins with.
void make_tables(const std::string& uri);

// Sessions that write all the time, and one that changes definitions and empties tables, each drawn from `seed`. They
// come again when their server does. What two of them do to each other may fail.
class Workload {
 public:
  static constexpr int writers = 3;

  Workload(std::string uri, std::uint64_t seed);
  ~Workload() { stop(); }
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  // No definition is changed and no table emptied while this is held.
  std::unique_lock<std::mutex> hold_changes() { return std::unique_lock(changing_); }
  void stop();

 private:
  void write(std::uint64_t seed);
  void change(std::uint64_t seed);

  const std::string uri_;
  std::atomic<bool> enough_ = false;
  std::mutex changing_;
  std::vector<std::jthread> threads_;
};

}  // namespace tributary::torture
