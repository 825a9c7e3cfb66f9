#include "engine/cli/conceal.h"

#include <cstring>
#include <string_view>

namespace tributary::cli {
namespace {

bool is_end(std::string_view flag) {
  return flag == "--source" || flag == "--target";
}

void cover(char* text) {
  if (*text != '@') std::memset(text, '*', std::strlen(text));
}

}  // namespace

void conceal_connection_strings(int count, char** arguments) {
  bool of_end = false;  // a password with a blank that nobody quoted goes on in the next word
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const auto equals = argument.find('=');
    const bool names_end = is_end(argument.substr(0, equals));
    of_end = names_end || (of_end && !argument.starts_with("--"));
    if (names_end) {
      if (equals != argument.npos) cover(arguments[i] + equals + 1);
    } else if (of_end || argument.find("://") != argument.npos || argument.find("password") != argument.npos) {
      cover(arguments[i]);
    }
  }
}

}  // namespace tributary::cli
