#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tributary::kube {

// What the kernel says of this process (proc(5)). Members that it does not say are absent.
struct ProcessFigures {
  std::optional<double> cpu_seconds = {};
  std::optional<double> start_time = {};  // seconds since the epoch
  std::optional<std::uint64_t> resident_bytes = {};
  std::optional<std::uint64_t> virtual_bytes = {};
  std::optional<std::uint64_t> most_virtual_bytes = {};
  std::optional<std::uint64_t> open_files = {};
  std::optional<std::uint64_t> most_files = {};
};
ProcessFigures process_figures();

// For a process that holds little and now and then reads much at once. Before the first thread.
void keep_memory_low();
// Hands what is free in the middle of the heap back to the kernel.
void return_free_memory();

// Of a pod its name.
std::string host_name();

}  // namespace tributary::kube
