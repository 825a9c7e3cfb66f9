#include "engine/base/aside.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace tributary {
namespace {

// A library call that hangs until it is let go, and tells when its value was made and dropped.
struct Hanging {
  std::shared_ptr<std::promise<void>> release = std::make_shared<std::promise<void>>();
  std::shared_ptr<std::promise<void>> dropped = std::make_shared<std::promise<void>>();

  struct Tell {
    std::shared_ptr<std::promise<void>> dropped;
    void operator()(int* number) const {
      delete number;
      dropped->set_value();
    }
  };
  std::unique_ptr<int, Tell> operator()() const {
    release->get_future().wait();
    return {new int(1), Tell{dropped}};
  }
};

TEST(CallAside, returns_the_value_of_the_call) {
  EXPECT_EQ(**call_aside([] { return std::make_unique<int>(7); }, {}), 7);
}

TEST(CallAside, gives_a_call_up_at_its_deadline_and_the_value_is_dropped_when_it_comes) {
  const Hanging hanging;
  const auto given_up = call_aside(hanging, {Deadline::after(Milliseconds{1}), {}});
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().fault, Fault::transient);
  hanging.release->set_value();
  hanging.dropped->get_future().wait();
}

TEST(CallAside, gives_a_call_up_for_a_stop) {
  std::stop_source stop;
  stop.request_stop();
  const Hanging hanging;
  EXPECT_EQ(call_aside(hanging, {Deadline::never(), stop.get_token()}).error().fault, Fault::cancelled);
  hanging.release->set_value();
  hanging.dropped->get_future().wait();
}

TEST(CallAside, makes_an_error_of_what_the_call_throws) {
  EXPECT_EQ(call_aside([]() -> int { throw std::bad_alloc(); }, {}).error().what, "out of memory");
}

}  // namespace
}  // namespace tributary
