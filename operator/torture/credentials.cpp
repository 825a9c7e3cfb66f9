#include "operator/torture/credentials.h"

namespace tributary::torture {
namespace {

constexpr const char* host = "IP:127.0.0.1";

}  // namespace

Credentials::Credentials(bool by_tls) {
  put_token("first");
  if (!by_tls) return;
  first_ = kube::testing::make_authority("first");
  next_ = kube::testing::make_authority("next");
  const kube::testing::Pair shown = kube::testing::issue(*first_, host);
  certificate_file_ = folder_.write("server.crt", shown.certificate);
  key_file_ = folder_.write("server.key", shown.key);
  folder_.write("ca.crt", first_->certificate);
}

kube::ClusterConfig Credentials::of_operator(kube::ClusterConfig config) const {
  config.token = {{}, folder_.path("token")};
  if (first_) config.authority = {{}, folder_.path("ca.crt")};
  return config;
}

kube::ClusterConfig Credentials::of_user(kube::ClusterConfig config) const {
  if (first_) config.authority = {first_->certificate + next_->certificate, {}};
  return config;
}

void Credentials::put_token(const std::string& token) const {
  folder_.write("token", token);
}

void Credentials::present_next(kube::testing::FakeApiServer& server) const {
  const kube::testing::Pair shown = kube::testing::issue(*next_, host);
  server.present(folder_.write("next.crt", shown.certificate), folder_.write("next.key", shown.key));
}

void Credentials::trust_next() const {
  folder_.write("ca.crt", next_->certificate);
}

}  // namespace tributary::torture
