#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

// The one way a failure travels: a function that can fail returns Result<T>, and the caller either handles the
// Error or passes it on with TRY. Dropping a Result does not compile without a warning. Our code throws nothing.
namespace tributary {

// A closed set, because loops branch on it. Exit codes are derived from it in one place (api/report.h).
enum class Fault {
  transient,  // the same call may succeed later: network, restart, lock timeout, too many connections
  conflict,   // somebody else changed it first: look again, then decide anew
  missing,    // the named thing does not exist
  denied,     // authentication or permission: a person must act
  invalid,    // the request or the configuration is wrong: a retry is pointless
  differs,    // a comparison was done and found differences
  lost,       // the position or snapshot is gone: only a new snapshot helps
  fenced,     // another engine or leader owns this now: stop writing at once
  cancelled,  // our own stop or deadline
  failed,     // everything else; a retry may help
};

// What went wrong, for a person: `what` names the thing and the cause (lowercase, no full stop), `hint` says what
// to do and may be empty. Neither ever holds a secret or a row's values.
struct Error {
  Fault fault = Fault::failed;
  std::string what;
  std::string hint = {};
};

// "what (hint: hint)".
std::string describe(const Error& error);

// The stable lower-case word of a fault: "transient", "invalid", ...
const char* name_of(Fault fault);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  // The value. Asking a failed result for its value is a broken invariant and ends the process.
  T& value() & { return *check(std::get_if<0>(&state_)); }
  const T& value() const& { return *check(std::get_if<0>(&state_)); }
  T&& value() && { return std::move(*check(std::get_if<0>(&state_))); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return *check(std::get_if<1>(&state_)); }

 private:
  template <class P>
  static P* check(P* pointer) {
    if (pointer == nullptr) std::abort();
    return pointer;
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return !error_; }
  bool ok() const { return !error_; }
  void value() const {
    if (error_) std::abort();
  }
  const Error& error() const {
    if (!error_) std::abort();
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

// `error` with `context: ` in front of its text.
Error within(const std::string& context, Error error);

}  // namespace tributary

// Evaluates to the value of a Result, or returns its Error from the enclosing function.
#define TRY(...)                                       \
  __extension__({                                      \
    auto&& try_result_ = (__VA_ARGS__);                \
    if (!try_result_.ok()) return try_result_.error(); \
    std::move(try_result_).value();                    \
  })
