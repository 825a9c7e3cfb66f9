#pragma once

#include <exception>
#include <new>
#include <system_error>

#include "engine/base/result.h"

namespace tributary {

// Runs `body` (a function that returns a Result) and makes an Error of what it throws. Our code throws nothing, but
// the standard library does where memory or threads run out. For where a thread or the program begins.
template <class Body>
auto contain(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Error{Fault::failed, "out of memory", "give the process more memory"};
  } catch (const std::system_error& error) {
    return Error{Fault::failed, std::string("the system refuses: ") + error.what(),
                 "look at the process's limits of memory, threads and open files"};
  } catch (const std::exception& error) {
    return Error{Fault::failed, std::string("unexpected: ") + error.what()};
  }
}

}  // namespace tributary
