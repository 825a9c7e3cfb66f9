#include "operator/kube/process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <vector>

namespace tributary::kube {
namespace {

TEST(ProcessFigures, say_what_this_process_takes) {
  const ProcessFigures figures = process_figures();
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_GT(figures.cpu_seconds, 0);
  EXPECT_GT(figures.start_time, 1.5e9);
  EXPECT_LE(figures.start_time, now + 1);
  EXPECT_GT(figures.resident_bytes, 1'000'000U);
  EXPECT_GT(figures.virtual_bytes, figures.resident_bytes);
  EXPECT_GE(figures.most_virtual_bytes, figures.virtual_bytes);
  EXPECT_GE(figures.most_files, figures.open_files);
}

TEST(ProcessFigures, count_files_as_they_are_opened_and_memory_as_it_is_used) {
  const ProcessFigures before = process_figures();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::vector<char> bulk(64 << 20, 'x');
  const ProcessFigures after = process_figures();
  EXPECT_EQ(*after.open_files, *before.open_files + 2);
  EXPECT_GE(*after.resident_bytes, *before.resident_bytes + (60U << 20)) << bulk.back();
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace tributary::kube
