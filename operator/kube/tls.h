#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "operator/kube/config.h"

namespace tributary::kube {

// The HTTP library reads the system's roots for each connection, a hundred certificates, and install() puts them away
// unused. Before there is any other thread.
void read_no_system_roots();

// What a connection needs to know whom to trust and who we are, parsed once from PEM and installed into the TLS
// context of each new connection. Immutable; shared between threads.
class TlsMaterial {
 public:
  // Reads the files of the configuration. `invalid`, naming the credential, when one cannot be read or parsed.
  static Result<std::shared_ptr<const TlsMaterial>> load(const ClusterConfig& config);

  // Whether both say the same of who we are, and of whom to trust.
  bool same_identity(const TlsMaterial& other) const { return identity_ == other.identity_; }
  bool same_authority(const TlsMaterial& other) const { return authority_ == other.authority_; }

  // TLS 1.2 at least, the cluster's CA as the only root of trust, our certificate and key. False when OpenSSL
  // refuses; the context then trusts nobody.
  bool install(SSL_CTX* context) const;

 private:
  struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  using Certificate = std::unique_ptr<X509, Free>;
  using Certificates = std::vector<Certificate>;

  static Result<Certificates> parse_certificates(const std::string& what, const std::string& pem);

  std::string authority_;  // digests of what was read
  std::string identity_;
  Certificates authorities_;
  Certificates chain_;  // ours, leaf first
  std::unique_ptr<EVP_PKEY, Free> key_;
};

// The material of today: files are rotated under us. Thread-safe.
class TlsSource {
 public:
  // Files are read again when this long has passed.
  TlsSource(ClusterConfig config, Seconds check_every) : config_(std::move(config)), check_every_(check_every) {}

  // The same object as before unless what the files hold has changed. Files that cannot be read or parsed, as while
  // they are being replaced, leave the old one in use; without one it is the error.
  Result<std::shared_ptr<const TlsMaterial>> get(SteadyTime now);
  // The same, reading them now.
  Result<std::shared_ptr<const TlsMaterial>> refresh(SteadyTime now);

 private:
  Result<std::shared_ptr<const TlsMaterial>> read(SteadyTime now);

  const ClusterConfig config_;
  const Seconds check_every_;
  std::mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_;
  SteadyTime checked_;
};

}  // namespace tributary::kube
