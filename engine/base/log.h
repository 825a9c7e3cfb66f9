#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// One line per event: a constant text and then key=value identifiers, as text or as JSON, on standard error.
// Only shells log. Never a password, a connection string with one, or a row's values. Thread-safe.
namespace tributary::log {

enum class Level { debug, info, warn, error };
enum class Format { text, json };

struct Field {
  template <class T>
  requires(std::is_arithmetic_v<T>) Field(std::string_view name, T number) : key(name), value(std::to_string(number)) {}
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, const std::string& text) : key(name), value(text) {}

  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

// Sets up the process's logger. Before it is called, lines go out as text at level info.
void start(Level level, Format format);
void set_level(Level level);
// Nothing for a word that is no level; the words are debug, info, warn and error.
bool parse_level(std::string_view word, Level& level);

void debug(std::string_view event, Fields fields = {});  // a step
void info(std::string_view event, Fields fields = {});   // a state changed
void warn(std::string_view event, Fields fields = {});   // retrying
void error(std::string_view event, Fields fields = {});  // gave up

// Whether lines of this level go out: whoever would have to put one together at a cost asks first.
bool shows(Level level);

// Adds fields to every line of this thread while it lives; of two with the same key the innermost counts, and a line's
// own before all. Lives and dies on one thread, in the order of a stack.
class Context {
 public:
  explicit Context(Fields fields);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  std::size_t outer_;  // how many fields there were before
};

// From here on each finished line, without its line break, goes to `writer` instead of standard error; an empty one
// undoes that. The writer is called by one thread at a time and must not log.
void write_to(std::function<void(std::string_view)> writer);

// Writes out what is buffered. Call before a hard exit.
void flush();

}  // namespace tributary::log
