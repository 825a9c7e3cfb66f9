#pragma once

namespace tributary::verify {

// The same of each end.
template <class T>
struct Both {
  T source;
  T target;
};

}  // namespace tributary::verify
