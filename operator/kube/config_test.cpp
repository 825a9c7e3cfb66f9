#include "operator/kube/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/testing/certificates.h"

namespace tributary::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

const char* const whole = R"(
apiVersion: v1
kind: Config
current-context: first
contexts:
- {name: first, context: {cluster: one, user: file, namespace: shop}}
- {name: second, context: {cluster: two, user: data}}
clusters:
- {name: one, cluster: {server: "https://one:6443/", certificate-authority: ca.crt}}
- {name: two, cluster: {server: "https://two:6443", certificate-authority-data: Y2EtcGVt, tls-server-name: kubernetes}}
users:
- {name: file, user: {tokenFile: /var/token}}
- {name: data, user: {client-certificate-data: "Y2Vy\ndA==", client-key-data: a2V5}}
)";

class KubeconfigTest : public ::testing::Test {
 protected:
  Result<ClusterConfig> read(const std::string& text, const std::string& context = "") {
    return from_kubeconfig(folder.write("config", text), context);
  }
  const testing::Folder folder;
};

TEST_F(KubeconfigTest, the_current_context_names_cluster_and_user) {
  const ClusterConfig config = read(whole).value();
  EXPECT_EQ(config.server, "https://one:6443");
  EXPECT_EQ(config.authority.file, folder.path("ca.crt"));
  EXPECT_EQ(config.token.file, "/var/token");
  EXPECT_EQ(config.space, "shop");
}

TEST_F(KubeconfigTest, another_context_may_be_chosen_and_data_is_decoded) {
  const ClusterConfig config = read(whole, "second").value();
  EXPECT_EQ(config.server, "https://two:6443");
  EXPECT_EQ(config.authority.text, "ca-pem");
  EXPECT_EQ(config.client_certificate.text, "cert");
  EXPECT_EQ(config.client_key.text, "key");
  EXPECT_EQ(config.tls_server_name, "kubernetes");
  EXPECT_EQ(config.space, "default");
}

TEST_F(KubeconfigTest, a_fault_names_the_file_and_the_cause_and_quotes_nothing) {
  const std::string user =
      "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
      "clusters: [{name: k, cluster: {server: 'https://x', certificate-authority-data: eA==}}]\n";
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "no map"},
      {"a: [", "no valid YAML"},
      {"x: 1", "no current-context"},
      {"current-context: c", "no context 'c'"},
      {user, "no user 'u'"},
      {user + "users: [{name: u, user: {exec: {command: x}}}]", "exec is not supported"},
      {user + "users: [{name: u, user: {username: a, password: hunter2}}]", "username is not supported"},
      {user + "users: [{name: u, user: {client-certificate-data: eA==}}]", "go together"},
      {user + "users: [{name: u, user: {client-key-data: '%%%%'}}]", "client-key-data is not base64"},
      {"current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {token: "
       "t}}]\n"
       "clusters: [{name: k, cluster: {server: 'https://x'}}]",
       "no certificate-authority"},
      {"current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {token: "
       "t}}]\n"
       "clusters: [{name: k, cluster: {server: 'https://x', insecure-skip-tls-verify: true}}]",
       "insecure-skip"},
      {"current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {token: "
       "t}}]\n"
       "clusters: [{name: k, cluster: {server: 'ftp://x'}}]",
       "no http or https"}};
  for (const auto& [text, cause] : table) {
    const Result<ClusterConfig> config = read(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.error().fault, Fault::invalid);
    EXPECT_THAT(config.error().what, HasSubstr(cause));
    EXPECT_THAT(config.error().what, HasSubstr(folder.path("config")));
    EXPECT_THAT(describe(config.error()), Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(from_kubeconfig(folder.path("nothing")).error().what, HasSubstr("cannot be read"));
}

TEST_F(KubeconfigTest, the_given_file_goes_before_the_environment) {
  const std::string path = folder.write("config", whole);
  EXPECT_EQ(find_config(environment({}), path, "")->server, "https://one:6443");
  EXPECT_EQ(find_config(environment({{"KUBECONFIG", path}}), "", "second")->server, "https://two:6443");
  EXPECT_EQ(find_config(environment({{"HOME", folder.path("nobody")}}), "", "").error().fault, Fault::invalid);
}

TEST(InCluster, the_service_accounts_files_and_the_services_address_are_used) {
  const testing::Folder folder;
  folder.write("token", "t");
  folder.write("ca.crt", "c");
  folder.write("namespace", "tributary\n");
  const auto config = in_cluster(
      environment({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}}), folder.path("."));
  ASSERT_TRUE(config.ok()) << describe(config.error());
  EXPECT_EQ(config->server, "https://10.0.0.1:443");
  EXPECT_EQ(config->space, "tributary");
  EXPECT_EQ(config->token.read().value(), "t");
  EXPECT_EQ(config->authority.read().value(), "c");
  const auto ipv6 = in_cluster(
      environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}}), folder.path("."));
  EXPECT_EQ(ipv6->server, "https://[fd00::1]:443");
}

TEST(InCluster, a_missing_variable_or_file_is_named) {
  const testing::Folder folder;
  EXPECT_THAT(in_cluster(environment({}), folder.path(".")).error().what, HasSubstr("KUBERNETES_SERVICE_HOST"));
  const auto config = in_cluster(
      environment({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}}), folder.path("."));
  EXPECT_THAT(config.error().what, HasSubstr("namespace"));
}

const SteadyTime start = SteadyTime() + std::chrono::hours(1);

TEST(TokenSource, a_token_file_is_read_again_after_50_seconds) {
  const testing::Folder folder;
  TokenSource source(Secret{{}, folder.write("token", " one\n")});
  EXPECT_EQ(source.get(start).value(), "one");
  folder.write("token", "two");
  EXPECT_EQ(source.get(start + Seconds(49)).value(), "one");
  EXPECT_EQ(source.get(start + Seconds(50)).value(), "two");
}

TEST(TokenSource, a_rejected_token_is_read_again_at_once_unless_it_is_newer_than_the_request) {
  const testing::Folder folder;
  TokenSource source(Secret{{}, folder.write("token", "one")});
  EXPECT_EQ(source.get(start).value(), "one");
  folder.write("token", "two");
  source.reject(start - Seconds(1));
  EXPECT_EQ(source.get(start + Seconds(1)).value(), "one");
  source.reject(start + Seconds(1));
  EXPECT_EQ(source.get(start + Seconds(1)).value(), "two");
}

TEST(TokenSource, an_unreadable_file_leaves_the_old_token_in_use_and_is_an_error_without_one) {
  const testing::Folder folder;
  TokenSource never(Secret{{}, folder.path("nothing")});
  EXPECT_EQ(never.get(start).error().fault, Fault::invalid);
  TokenSource source(Secret{{}, folder.write("token", "one")});
  EXPECT_EQ(source.get(start).value(), "one");
  folder.write("token", "  \n");
  EXPECT_EQ(source.get(start + Seconds(60)).value(), "one");
}

TEST(TokenSource, a_token_in_place_stays_and_none_is_empty) {
  TokenSource fixed(Secret{"t", {}});
  fixed.reject(start);
  EXPECT_EQ(fixed.get(start).value(), "t");
  EXPECT_EQ(TokenSource(Secret{}).get(start).value(), "");
}

}  // namespace
}  // namespace tributary::kube
