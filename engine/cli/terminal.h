#pragma once

#include <cstddef>

namespace tributary::cli {

struct Screen {
  std::size_t width = 80;
  std::size_t height = 24;
};

// The size of the terminal behind a file descriptor; 80 x 24 where it is none.
Screen screen_of(int fd);

// Whether standard error is a terminal that understands cursor movement.
bool can_show_live();

struct Style {
  bool colour = false;
  std::size_t width = 0;  // of a line; 0 means no limit
};

// Colour and width only on a terminal, no colour with NO_COLOR (https://no-color.org) or TERM=dumb.
Style style_of(int fd);

}  // namespace tributary::cli
