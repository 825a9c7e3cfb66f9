#pragma once

#include <string>

// Throw-away certificates for TLS tests, valid for an hour.
namespace tributary::kube::testing {

struct Pair {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

Pair make_authority(const std::string& name);
// A leaf with one subject alternative name in OpenSSL's notation: "IP:127.0.0.1", "DNS:kubernetes".
Pair issue(const Pair& authority, const std::string& alternative_name);

// A folder that goes with its content.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  // Writes (or replaces) a file and answers its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace tributary::kube::testing
