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
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const auto equals = argument.find('=');
    if (is_end(arguments[i - 1])) {
      cover(arguments[i]);
    } else if (equals != argument.npos && is_end(argument.substr(0, equals))) {
      cover(arguments[i] + equals + 1);
    } else if (argument.find("://") != argument.npos || argument.find("password") != argument.npos) {
      cover(arguments[i]);
    }
  }
}

}  // namespace tributary::cli
