#include "engine/postgres/client/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tributary::postgres {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Endpoints : public ::testing::Test {
 protected:
  Endpoints() {
    std::string pattern = (std::filesystem::temp_directory_path() / "endpoint.XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    unsetenv("PGSSLMODE");
  }
  ~Endpoints() override { std::filesystem::remove_all(directory_); }

  void key(const std::string& name, const std::string& value, mode_t mode = 0644) const {
    const std::string path = (directory_ / name).string();
    std::ofstream(path, std::ios::binary) << value;
    chmod(path.c_str(), mode);
  }
  api::Endpoint secret() const {
    api::Endpoint endpoint;
    endpoint.credentials_dir = directory_.string();
    return endpoint;
  }
  static api::Endpoint uri(const std::string& text) {
    api::Endpoint endpoint;
    endpoint.uri = text;
    return endpoint;
  }
  static std::string failure(const api::Endpoint& endpoint) {
    const Result<Parameters> parameters = resolve(endpoint, "source");
    if (parameters) return "no failure";
    EXPECT_EQ(parameters.error().fault, Fault::invalid);
    return describe(parameters.error());
  }
  static Parameters resolved(const api::Endpoint& endpoint) {
    Result<Parameters> parameters = resolve(endpoint, "source");
    if (parameters) return *parameters;
    ADD_FAILURE() << describe(parameters.error());
    return {};
  }

  std::filesystem::path directory_;
};

TEST_F(Endpoints, a_uri_is_taken_as_it_is) {
  EXPECT_EQ(resolved(uri("postgresql://app:p%40ss@db:5433/shop")),
            (Parameters{{"user", "app"}, {"password", "p@ss"}, {"host", "db"}, {"port", "5433"}, {"dbname", "shop"}}));
}

TEST_F(Endpoints, a_keyword_string_is_taken_as_it_is) {
  EXPECT_EQ(resolved(uri("host=/run/pg dbname='my db'")), (Parameters{{"host", "/run/pg"}, {"dbname", "my db"}}));
}

TEST_F(Endpoints, own_fields_override_the_uri) {
  api::Endpoint endpoint = uri("postgresql://app@a,b:5433,5434/shop?hostaddr=10.0.0.1,10.0.0.2");
  endpoint.host = "other";
  endpoint.database = "warehouse";
  EXPECT_EQ(resolved(endpoint), (Parameters{{"user", "app"}, {"host", "other"}, {"dbname", "warehouse"}}));
  endpoint.port = 6000;
  EXPECT_EQ(resolved(endpoint).at("port"), "6000");
}

TEST_F(Endpoints, a_secrets_uri_loses_its_line_end) {
  key("uri", "postgresql://app@db/shop\r\n\n");
  EXPECT_EQ(resolved(secret()).at("dbname"), "shop");
}

TEST_F(Endpoints, a_secrets_separate_keys_are_taken_literally) {
  key("host", "db\n");
  key("port", "5433\n");
  key("dbname", "my%20db");
  key("username", "app");
  key("password", " p%40:/'\\ \"\xC3\xA9 \n");
  EXPECT_EQ(resolved(secret()), (Parameters{{"host", "db"},
                                            {"port", "5433"},
                                            {"dbname", "my%20db"},
                                            {"user", "app"},
                                            {"password", " p%40:/'\\ \"\xC3\xA9 "}}));
}

TEST_F(Endpoints, the_key_uri_wins_over_separate_keys) {
  key("uri", "postgresql://app:s@db.shop/app");
  key("host", "db");
  key("dbname", "*");
  EXPECT_EQ(resolved(secret()).at("host"), "db.shop");
}

TEST_F(Endpoints, a_star_for_the_database_means_any_and_so_postgres) {
  key("uri", "postgresql://postgres:s@db/*");
  EXPECT_EQ(resolved(secret()).at("dbname"), "postgres");
}

TEST_F(Endpoints, what_a_secret_lacks_is_named) {
  EXPECT_THAT(failure(secret()), HasSubstr("secret for source does not exist or has no keys"));
  key("password", "hunter2");
  EXPECT_THAT(failure(secret()), HasSubstr("secret for source has neither key uri nor key host"));
  key("host", "db");
  EXPECT_THAT(failure(secret()), HasSubstr("neither key uri nor key user nor key username"));
  key("user", "app");
  key("port", "54x");
  EXPECT_THAT(failure(secret()), HasSubstr("key port of secret for source is no port number"));
}

TEST_F(Endpoints, an_empty_key_counts_as_missing) {
  key("uri", "\n");
  EXPECT_THAT(failure(secret()), HasSubstr("secret for source has neither key uri nor key host"));
}

TEST_F(Endpoints, a_missing_directory_is_named) {
  api::Endpoint endpoint;
  endpoint.credentials_dir = (directory_ / "absent").string();
  EXPECT_THAT(failure(endpoint), HasSubstr("directory " + endpoint.credentials_dir + " cannot be read"));
}

TEST_F(Endpoints, an_error_never_holds_the_secret) {
  key("uri", "postgresql://app:hunter2@[::1/shop");
  EXPECT_THAT(failure(secret()), HasSubstr("key uri of the secret for source"));
  EXPECT_THAT(failure(secret()), Not(HasSubstr("hunter2")));
  key("uri", std::string("hunter2\0x", 9));
  EXPECT_THAT(failure(secret()), Not(HasSubstr("hunter2")));
  EXPECT_THAT(failure(uri("postgresql://app:hunter2@[::1/shop")), Not(HasSubstr("hunter2")));
}

TEST_F(Endpoints, a_given_authority_is_verified_in_full) {
  key("uri", "postgresql://app@db/shop");
  key("ca.crt", "certificate");
  const Parameters parameters = resolved(secret());
  EXPECT_EQ(parameters.at("sslmode"), "verify-full");
  EXPECT_EQ(parameters.at("sslrootcert"), (directory_ / "ca.crt").string());
  EXPECT_EQ(resolved(uri("postgresql://db/shop?sslrootcert=/ca")).at("sslmode"), "verify-full");
}

TEST_F(Endpoints, a_mode_that_is_asked_for_stays) {
  key("uri", "postgresql://app@db/shop?sslmode=verify-ca");
  key("ca.crt", "certificate");
  EXPECT_EQ(resolved(secret()).at("sslmode"), "verify-ca");
  api::Endpoint endpoint = secret();
  endpoint.ssl_mode = "require";
  EXPECT_EQ(resolved(endpoint).at("sslmode"), "require");
  endpoint.ssl_mode = "verify_full";
  EXPECT_THAT(failure(endpoint), HasSubstr("sslMode 'verify_full' of the source is unknown"));
}

TEST_F(Endpoints, self_signed_certificates_mean_encryption_without_verification) {
  api::Endpoint endpoint = uri("postgresql://db/shop");
  endpoint.allow_self_signed_certificates = true;
  EXPECT_EQ(resolved(endpoint).at("sslmode"), "require");
  EXPECT_FALSE(std::filesystem::exists(resolved(endpoint).at("sslrootcert")));
}

TEST_F(Endpoints, self_signed_certificates_never_weaken_verification) {
  api::Endpoint endpoint = uri("postgresql://db/shop?sslmode=verify-full");
  endpoint.allow_self_signed_certificates = true;
  EXPECT_THAT(failure(endpoint), HasSubstr("asks for sslmode verify-full and allows self-signed"));
  setenv("PGSSLMODE", "verify-ca", 1);
  endpoint.uri = "postgresql://db/shop";
  EXPECT_THAT(failure(endpoint), HasSubstr("asks for sslmode verify-ca"));
}

TEST_F(Endpoints, a_client_key_that_others_may_read_is_served_privately) {
  key("uri", "postgresql://app@db/shop");
  key("tls.crt", "certificate");
  key("tls.key", "private key", 0644);
  const std::string path = resolved(secret()).at("sslkey");
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISREG(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "private key");
  EXPECT_EQ(resolved(secret()).at("sslkey"), path) << "the same contents keep their path";
  key("tls.key", "rotated", 0644);
  std::ifstream rotated(resolved(secret()).at("sslkey"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(rotated), {}), "rotated");
}

TEST_F(Endpoints, a_private_client_key_is_used_where_it_is) {
  key("uri", "postgresql://app@db/shop");
  key("tls.crt", "certificate");
  key("tls.key", "private key", 0600);
  EXPECT_EQ(resolved(secret()).at("sslkey"), (directory_ / "tls.key").string());
}

TEST_F(Endpoints, a_client_certificate_needs_its_key) {
  key("uri", "postgresql://app@db/shop");
  key("tls.crt", "certificate");
  EXPECT_THAT(failure(secret()), HasSubstr("secret for source has key tls.crt but no key tls.key"));
}

TEST_F(Endpoints, nothing_given_is_said) {
  EXPECT_THAT(failure({}), HasSubstr("the source is not given"));
  api::Endpoint endpoint;
  endpoint.type = api::EndpointType::mysql;
  EXPECT_THAT(failure(endpoint), HasSubstr("not of type PostgreSQL"));
}

TEST(ForDatabase, changes_nothing_but_the_database) {
  EXPECT_EQ(for_database({{"host", "db"}, {"dbname", "a"}}, "b c"), (Parameters{{"host", "db"}, {"dbname", "b c"}}));
}

}  // namespace
}  // namespace tributary::postgres
