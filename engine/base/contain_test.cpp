#include "engine/base/contain.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tributary {
namespace {

TEST(Contain, passes_a_result_on) {
  EXPECT_EQ(contain([]() -> Result<int> { return 3; }).value(), 3);
  EXPECT_EQ(contain([]() -> Result<int> { return Error{Fault::denied, "no"}; }).error().fault, Fault::denied);
}

TEST(Contain, makes_an_error_of_what_is_thrown) {
  EXPECT_EQ(contain([]() -> Result<int> { throw std::bad_alloc(); }).error().what, "out of memory");
  const Result<void> refused = contain([]() -> Result<void> {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  EXPECT_EQ(refused.error().what.find("the system refuses: "), 0U) << refused.error().what;
  EXPECT_EQ(contain([]() -> Result<void> { throw std::out_of_range("at"); }).error().what, "unexpected: at");
}

}  // namespace
}  // namespace tributary
