#include "engine/base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

namespace tributary::log {
namespace {

// Standard error, or whatever stands in for it for a while.
class Sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void write_to(std::function<void(std::string_view)> writer) {
    const std::lock_guard lock(mutex_);
    writer_ = std::move(writer);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    const std::string_view text(line.data(), line.size());
    if (writer_) {
      writer_(text.substr(0, text.find_last_not_of("\r\n") + 1));
    } else {
      std::fwrite(text.data(), 1, text.size(), stderr);
      std::fflush(stderr);
    }
  }
  void flush_() override { std::fflush(stderr); }

  std::function<void(std::string_view)> writer_;
};

struct Logger {
  std::shared_ptr<Sink> output = std::make_shared<Sink>();
  std::shared_ptr<spdlog::logger> sink = std::make_shared<spdlog::logger>("tributary", output);
  Format format = Format::text;

  Logger() { apply(Level::info, Format::text); }

  void apply(Level level, Format chosen) {
    format = chosen;
    sink->set_pattern(chosen == Format::text ? "%Y-%m-%dT%H:%M:%S.%eZ %-5l %v" : "%v", spdlog::pattern_time_type::utc);
    sink->set_level(spdlog_level(level));
  }

  static spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
      case Level::debug:
        return spdlog::level::debug;
      case Level::info:
        return spdlog::level::info;
      case Level::warn:
        return spdlog::level::warn;
      case Level::error:
        return spdlog::level::err;
    }
    std::abort();
  }
};

Logger& logger() {
  static Logger one;
  return one;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \t\r\n\"=") != std::string_view::npos;
}

// JSON quoting also keeps line breaks and control characters of a server's message inside one log line.
std::string json_quoted(std::string_view value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

struct OwnedField {
  std::string key;
  std::string value;
};

std::vector<OwnedField>& context() {
  static thread_local std::vector<OwnedField> fields;
  return fields;
}

// Calls `visit(key, value)` for the line's own fields, and then for those of the context that they do not hide.
template <class F>
void for_each(Fields own, const F& visit) {
  for (const Field& field : own) visit(field.key, field.value);
  const std::vector<OwnedField>& around = context();
  for (auto field = around.begin(); field != around.end(); ++field) {
    const auto same = [&](const auto& other) { return other.key == field->key; };
    if (std::none_of(own.begin(), own.end(), same) && std::none_of(field + 1, around.end(), same)) {
      visit(field->key, field->value);
    }
  }
}

std::string as_text(std::string_view event, Fields fields) {
  std::string line(event);
  for_each(fields, [&](std::string_view key, const std::string& value) {
    line += ' ';
    line += key;
    line += '=';
    line += needs_quotes(value) ? json_quoted(value) : value;
  });
  return line;
}

std::string as_json(Level level, std::string_view event, Fields fields) {
  static constexpr const char* words[] = {"debug", "info", "warn", "error"};
  nlohmann::ordered_json line;
  const auto now = std::chrono::system_clock::now();
  line["ts"] = std::chrono::duration<double>(now.time_since_epoch()).count();
  line["level"] = words[static_cast<int>(level)];
  line["msg"] = event;
  for_each(fields, [&](std::string_view key, const std::string& value) { line[std::string(key)] = value; });
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write(Level level, std::string_view event, Fields fields) {
  Logger& to = logger();
  const auto wanted = Logger::spdlog_level(level);
  if (!to.sink->should_log(wanted)) return;
  to.sink->log(wanted, to.format == Format::text ? as_text(event, fields) : as_json(level, event, fields));
}

}  // namespace

void start(Level level, Format format) {
  logger().apply(level, format);
}
void set_level(Level level) {
  logger().sink->set_level(Logger::spdlog_level(level));
}

bool parse_level(std::string_view word, Level& level) {
  if (word == "debug")
    level = Level::debug;
  else if (word == "info")
    level = Level::info;
  else if (word == "warn")
    level = Level::warn;
  else if (word == "error")
    level = Level::error;
  else
    return false;
  return true;
}

bool shows(Level level) {
  return logger().sink->should_log(Logger::spdlog_level(level));
}

Context::Context(Fields fields) : outer_(context().size()) {
  for (const Field& field : fields) context().push_back({std::string(field.key), field.value});
}

Context::~Context() {
  context().resize(outer_);
}

void debug(std::string_view event, Fields fields) {
  write(Level::debug, event, fields);
}
void info(std::string_view event, Fields fields) {
  write(Level::info, event, fields);
}
void warn(std::string_view event, Fields fields) {
  write(Level::warn, event, fields);
}
void error(std::string_view event, Fields fields) {
  write(Level::error, event, fields);
}
void write_to(std::function<void(std::string_view)> writer) {
  logger().output->write_to(std::move(writer));
}
void flush() {
  logger().sink->flush();
}

}  // namespace tributary::log
