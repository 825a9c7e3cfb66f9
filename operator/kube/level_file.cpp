#include "operator/kube/level_file.h"

#include <fstream>
#include <utility>

#include "engine/base/pause.h"

namespace tributary::kube {
namespace {

constexpr std::size_t most = 64;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(most, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  return end == std::string::npos ? "" : text.substr(0, end + 1);
}

const char* word_of(log::Level level) {
  static constexpr const char* words[] = {"debug", "info", "warn", "error"};
  return words[static_cast<int>(level)];
}

// While both levels let it through.
void change(log::Level from, log::Level to) {
  log::set_level(std::min(from, to));
  (to > log::Level::info && from > log::Level::info ? log::warn : log::info)(
      "log level changes", {{"from", word_of(from)}, {"to", word_of(to)}});
  log::set_level(to);
}

}  // namespace

LevelFile::LevelFile(std::string path, log::Level otherwise, Milliseconds every)
    : path_(std::move(path)), otherwise_(otherwise), level_(otherwise) {
  look();
  thread_ = std::jthread([this, every](std::stop_token stop) {
    while (pause_for(every, stop)) look();
  });
}

void LevelFile::look() {
  std::string content = content_of(path_);
  if (content == content_) return;
  content_ = std::move(content);
  log::Level wanted = otherwise_;
  if (!content_.empty() && !log::parse_level(content_, wanted)) {
    log::warn("no log level", {{"file", path_}, {"says", content_}, {"hint", "write debug, info, warn or error"}});
    return;
  }
  if (wanted == level_) return;
  change(level_, wanted);
  level_ = wanted;
}

}  // namespace tributary::kube
