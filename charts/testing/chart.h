#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/result.h"

// The chart as Helm renders it without any cluster. The programs are named by the environment (charts/test.sh).
namespace tributary::charts {

inline constexpr const char* release_namespace = "tributary-system";

// What runs in a shell; stdout if it succeeds, else all that it said.
Result<std::string> said_by(const std::string& command);

std::string text_of(const std::string& path);  // below the source's root

// With these values over the chart's own; an Error has Helm's words. The same is rendered once for all tests.
Result<std::vector<nlohmann::json>> render(const nlohmann::json& values, const std::string& release = "tributary");

// What Helm says when it has installed that.
Result<std::string> notes(const nlohmann::json& values, const std::string& release);

// The only object of the kind; null where there is none.
nlohmann::json one(const std::vector<nlohmann::json>& objects, const std::string& kind, const std::string& name = "");

// A file of the test's own that is gone with it.
class ScratchFile {
 public:
  ScratchFile(const std::string& name, const std::string& text);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string folder_;
  std::string path_;
};

}  // namespace tributary::charts
