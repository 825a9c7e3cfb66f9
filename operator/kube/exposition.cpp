#include "operator/kube/exposition.h"

namespace tributary::kube {
namespace {

void append_escaped(std::string& text, std::string_view value) {
  for (const char letter : value) {
    if (letter == '\n') {
      text += "\\n";
      continue;
    }
    if (letter == '\\' || letter == '"') text += '\\';
    text += letter;
  }
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view help, Type type) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
  text_ += type == Type::counter ? " counter\n" : " gauge\n";
}

void Exposition::sample(Labels labels, std::uint64_t value) {
  text_ += name_;
  char before = '{';
  for (const auto& [key, word] : labels) {
    text_ += before;
    text_.append(key).append("=\"");
    append_escaped(text_, word);
    text_ += '"';
    before = ',';
  }
  if (before == ',') text_ += '}';
  text_ += ' ';
  text_ += std::to_string(value);
  text_ += '\n';
}

}  // namespace tributary::kube
