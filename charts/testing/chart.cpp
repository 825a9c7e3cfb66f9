#include "charts/testing/chart.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "operator/api/testing/crd_schema.h"

namespace tributary::charts {
namespace {

using nlohmann::json;

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::string chart = TRIBUTARY_ROOT "/charts/tributary";

Result<std::vector<json>> template_of(const std::string& folder, const json& values, const std::string& release) {
  const ScratchFile file("values.json", values.is_null() ? "{}" : values.dump());
  const std::string text = TRY(said_by("\"$HELM\" template " + release + " '" + folder + "' --namespace " +
                                       release_namespace + " --kube-version 1.29.0 --values '" + file.path() + "'"));
  return v1alpha1::testing::parse_yaml(text);
}

}  // namespace

Result<std::string> said_by(const std::string& command) {
  const ScratchFile errors("stderr", "");
  FILE* pipe = popen((command + " 2>'" + errors.path() + "'").c_str(), "r");
  if (pipe == nullptr) return Error{Fault::failed, "cannot run " + command};
  std::string out;
  std::array<char, 4096> buffer{};
  while (const std::size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), count);
  const int status = pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return out;
  return Error{Fault::invalid, command + ": " + out + read(errors.path())};
}

std::string text_of(const std::string& path) {
  return read(std::string(TRIBUTARY_ROOT) + "/" + path);
}

Result<std::vector<json>> render(const json& values, const std::string& release) {
  static std::map<std::string, Result<std::vector<json>>> rendered;
  const std::string key = release + values.dump();
  auto found = rendered.find(key);
  if (found == rendered.end()) found = rendered.emplace(key, template_of(chart, values, release)).first;
  return found->second;
}

// The notes of a chart are rendered when it is installed only: here as a file of a copy of the chart.
Result<std::string> notes(const json& values, const std::string& release) {
  const ScratchFile anchor("anchor", "");
  const std::filesystem::path copy = std::filesystem::path(anchor.path()).parent_path() / "tributary";
  std::filesystem::copy(chart, copy, std::filesystem::copy_options::recursive);
  std::filesystem::copy_file(copy / "templates/NOTES.txt", copy / "files/notes.txt");
  std::ofstream(copy / "templates/notes.yaml")
      << R"({"kind": "Notes", "apiVersion": "v1", "metadata": {"name": "notes"},
    "text": {{ tpl (.Files.Get "files/notes.txt") . | toJson }}})";
  const std::vector<json> objects = TRY(template_of(copy, values, release));
  return one(objects, "Notes")["text"].get<std::string>();
}

json one(const std::vector<json>& objects, const std::string& kind, const std::string& name) {
  json found;
  for (const json& object : objects) {
    if (object["kind"] == kind && (name.empty() || object["metadata"]["name"] == name)) found = object;
  }
  return found;
}

ScratchFile::ScratchFile(const std::string& name, const std::string& text) {
  std::string pattern = (std::filesystem::temp_directory_path() / "tributary-chart.XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
  path_ = folder_ + "/" + name;
  std::ofstream(path_) << text;
}

ScratchFile::~ScratchFile() {
  std::filesystem::remove_all(folder_);
}

}  // namespace tributary::charts
