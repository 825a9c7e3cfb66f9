#pragma once

#include <optional>
#include <string>

#include "operator/kube/testing/certificates.h"
#include "operator/kube/testing/fake_api_server.h"

namespace tributary::torture {

// The files by which an operator and its API server know each other, and how they are replaced.
class Credentials {
 public:
  explicit Credentials(bool by_tls);

  // What the server shows from its beginning; empty names where it does not speak TLS.
  const std::string& certificate_file() const { return certificate_file_; }
  const std::string& key_file() const { return key_file_; }
  // For the operator: what is in files is followed.
  kube::ClusterConfig of_operator(kube::ClusterConfig config) const;
  // For who is not meant by any of this.
  kube::ClusterConfig of_user(kube::ClusterConfig config) const;

  void put_token(const std::string& token) const;
  // The server shows a certificate of the other CA, and all connections end; the operator does not trust that yet.
  void present_next(kube::testing::FakeApiServer& server) const;
  void trust_next() const;

 private:
  const kube::testing::Folder folder_;
  std::optional<kube::testing::Pair> first_, next_;  // CAs
  std::string certificate_file_, key_file_;
};

}  // namespace tributary::torture
