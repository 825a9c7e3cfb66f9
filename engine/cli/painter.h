#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tributary::cli {

// The bytes that repaint a block of lines in place, without clearing the screen first, so that nothing flickers.
// Pure but for what it remembers: the block that it painted last.
class Painter {
 public:
  // Over the former block; it takes more rows than lines if the screen became narrower since.
  std::string paint(const std::vector<std::string>& lines, std::size_t width);
  std::string erase(std::size_t width);

 private:
  std::string to_top(std::size_t width) const;
  std::vector<std::string> painted_;
};

}  // namespace tributary::cli
