#include "engine/postgres/client/endpoint.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "engine/postgres/client/private_file.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t largest_value = 64 * 1024;
constexpr std::array<std::string_view, 6> ssl_modes = {"disable", "allow",     "prefer",
                                                       "require", "verify-ca", "verify-full"};
// libpq takes ~/.postgresql/root.crt unless it is told of a file, and no file where that one cannot exist.
constexpr const char* no_root_certificate = "/dev/null/no-root-certificate";

// One mounted Secret; `which` for errors.
class SecretFiles {
 public:
  static Result<SecretFiles> open(const std::string& directory, std::string_view which) {
    SecretFiles files(directory, "secret for " + std::string(which));
    std::error_code error;
    const std::filesystem::directory_iterator entries(directory, error);
    if (error) {
      return Error{Fault::invalid, files.name_ + ": directory " + directory + " cannot be read: " + error.message(),
                   "mount the Secret there or correct credentialsDir"};
    }
    if (entries == std::filesystem::directory_iterator()) {
      return Error{Fault::invalid, files.name_ + " does not exist or has no keys",
                   "create the Secret with the key uri"};
    }
    return files;
  }

  // The value of a key without line ends at its end; nothing where the key is missing or empty.
  Result<std::optional<std::string>> value(const std::string& key) const {
    if (!has(key)) return std::optional<std::string>();
    std::ifstream file(path(key), std::ios::binary);
    if (!file) return wrong(key, std::string("cannot be read: ") + std::strerror(errno));
    std::string text(largest_value + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > largest_value) return wrong(key, "is larger than 64 KiB");
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.find('\0') != std::string::npos) return wrong(key, "holds a NUL byte");
    if (text.empty()) return std::optional<std::string>();
    return std::optional(std::move(text));
  }

  bool has(const std::string& key) const {
    std::error_code error;
    return std::filesystem::exists(path(key), error);
  }
  std::string path(const std::string& key) const { return directory_ + "/" + key; }

  Error wrong(const std::string& key, const std::string& how) const {
    return Error{Fault::invalid, "key " + key + " of " + name_ + " " + how};
  }
  Error lacks(const std::string& keys) const {
    return Error{Fault::invalid, name_ + " has " + keys,
                 "give the key uri, or the keys host, port, dbname, user and password"};
  }

 private:
  SecretFiles(std::string directory, std::string name) : directory_(std::move(directory)), name_(std::move(name)) {}
  std::string directory_;
  std::string name_;
};

Result<void> read_port(const SecretFiles& secret, Parameters& parameters) {
  const std::optional<std::string> text = TRY(secret.value("port"));
  if (!text) return {};
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), port);
  if (error != std::errc() || end != text->data() + text->size() || port == 0) {
    return secret.wrong("port", "is no port number");
  }
  parameters["port"] = *text;
  return {};
}

// Separate keys, as most operators' generated Secrets have them.
Result<Parameters> read_keys(const SecretFiles& secret, const api::Endpoint& endpoint) {
  Parameters parameters;
  const auto read = [&](const std::string& key, const char* keyword) -> Result<bool> {
    const std::optional<std::string> value = TRY(secret.value(key));
    if (value) parameters[keyword] = *value;
    return value.has_value();
  };
  if (!TRY(read("host", "host")) && endpoint.host.empty()) return secret.lacks("neither key uri nor key host");
  if (!TRY(read("user", "user")) && !TRY(read("username", "user"))) {
    return secret.lacks("neither key uri nor key user nor key username");
  }
  TRY(read("password", "password"));
  TRY(read("dbname", "dbname"));
  TRY(read_port(secret, parameters));
  return parameters;
}

Result<void> add_tls_files(const SecretFiles& secret, Parameters& parameters) {
  if (secret.has("ca.crt")) parameters.try_emplace("sslrootcert", secret.path("ca.crt"));
  if (secret.has("tls.crt") != secret.has("tls.key")) {
    return secret.lacks(secret.has("tls.crt") ? "key tls.crt but no key tls.key" : "key tls.key but no key tls.crt");
  }
  if (!secret.has("tls.crt") || parameters.contains("sslcert") || parameters.contains("sslkey")) return {};
  Result<std::string> key = private_path(secret.path("tls.key"));
  if (!key) return secret.wrong("tls.key", key.error().what);
  parameters["sslcert"] = secret.path("tls.crt");
  parameters["sslkey"] = *key;
  return {};
}

Result<Parameters> read_secret(const api::Endpoint& endpoint, std::string_view which) {
  const SecretFiles secret = TRY(SecretFiles::open(endpoint.credentials_dir, which));
  const std::optional<std::string> uri = TRY(secret.value("uri"));
  Parameters parameters;
  if (uri) {
    Result<Parameters> parsed = parse_conninfo(*uri);
    if (!parsed) return within("key uri of the secret for " + std::string(which), parsed.error());
    parameters = std::move(*parsed);
  } else {
    parameters = TRY(read_keys(secret, endpoint));
  }
  TRY(add_tls_files(secret, parameters));
  return parameters;
}

void override_with(const api::Endpoint& endpoint, Parameters& parameters) {
  if (!endpoint.host.empty()) {
    parameters["host"] = endpoint.host;
    parameters.erase("hostaddr");
    // Ports of the hosts that are replaced by one.
    const auto port = parameters.find("port");
    if (port != parameters.end() && port->second.find(',') != std::string::npos) parameters.erase(port);
  }
  if (endpoint.port != 0) parameters["port"] = std::to_string(endpoint.port);
  if (!endpoint.database.empty()) parameters["dbname"] = endpoint.database;
  // CloudNativePG writes "*" for a superuser, who may connect to any.
  const auto database = parameters.find("dbname");
  if (database != parameters.end() && database->second == "*") database->second = "postgres";
}

Result<void> settle_tls(const api::Endpoint& endpoint, std::string_view which, Parameters& parameters) {
  const std::string name(which);
  if (!endpoint.ssl_mode.empty()) {
    if (std::find(ssl_modes.begin(), ssl_modes.end(), endpoint.ssl_mode) == ssl_modes.end()) {
      return Error{Fault::invalid, "sslMode '" + endpoint.ssl_mode + "' of the " + name + " is unknown",
                   "use disable, allow, prefer, require, verify-ca or verify-full"};
    }
    parameters["sslmode"] = endpoint.ssl_mode;
  }
  const char* inherited = std::getenv("PGSSLMODE");
  const auto found = parameters.find("sslmode");
  const std::string asked = found != parameters.end() ? found->second : inherited != nullptr ? inherited : "";
  if (!endpoint.allow_self_signed_certificates) {
    if (asked.empty() && parameters.contains("sslrootcert")) parameters["sslmode"] = "verify-full";
    return {};
  }
  if (asked.starts_with("verify-")) {
    return Error{Fault::invalid, "the " + name + " asks for sslmode " + asked + " and allows self-signed certificates",
                 "give the certificate's CA for " + asked + ", or leave the mode out"};
  }
  if (asked.empty()) parameters["sslmode"] = "require";
  parameters["sslrootcert"] = no_root_certificate;
  return {};
}

Result<Parameters> read_base(const api::Endpoint& endpoint, std::string_view which) {
  const std::string name(which);
  if (endpoint.type != api::EndpointType::postgresql) {
    return Error{Fault::invalid, "the " + name + " is not of type PostgreSQL", "only PostgreSQL is supported here"};
  }
  if (!endpoint.uri.empty() && !endpoint.credentials_dir.empty()) {
    return Error{Fault::invalid, "the " + name + " has both a URI and a directory of credentials", "give one of them"};
  }
  if (!endpoint.credentials_dir.empty()) return read_secret(endpoint, which);
  if (endpoint.uri.empty() && endpoint.host.empty()) {
    return Error{Fault::invalid, "the " + name + " is not given",
                 "give its URI, its host, or the directory of its Secret (credentialsDir)"};
  }
  if (endpoint.uri.find('\0') != std::string::npos)
    return Error{Fault::invalid, "the URI of the " + name + " holds a NUL byte"};
  Result<Parameters> parsed = parse_conninfo(endpoint.uri);
  if (!parsed) return within(name, parsed.error());
  return parsed;
}

}  // namespace

Result<Parameters> resolve(const api::Endpoint& endpoint, std::string_view which) {
  Parameters parameters = TRY(read_base(endpoint, which));
  override_with(endpoint, parameters);
  TRY(settle_tls(endpoint, which, parameters));
  return parameters;
}

Parameters for_database(Parameters parameters, std::string_view database) {
  parameters["dbname"] = database;
  return parameters;
}

Result<Parameters> resolve_database(const api::Endpoint& endpoint, std::string_view which, std::string_view database) {
  const Parameters parameters = TRY(resolve(endpoint, which));
  return for_database(parameters, database);
}

}  // namespace tributary::postgres
