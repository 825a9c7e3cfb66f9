#include "engine/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace tributary::cli {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

bool is_capable() {
  const std::string_view terminal = environment("TERM");
  return !terminal.empty() && terminal != "dumb";
}

}  // namespace

Screen screen_of(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

bool can_show_live() {
  return isatty(STDERR_FILENO) == 1 && is_capable();
}

Style style_of(int fd) {
  if (isatty(fd) != 1) return {};
  return {.colour = is_capable() && environment("NO_COLOR").empty(), .width = screen_of(fd).width};
}

}  // namespace tributary::cli
