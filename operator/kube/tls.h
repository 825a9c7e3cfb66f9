#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "engine/base/result.h"
#include "operator/kube/config.h"

namespace tributary::kube {

// What a connection needs to know whom to trust and who we are, parsed once from PEM and installed into the TLS
// context of each new connection. Immutable; shared between threads.
class TlsMaterial {
 public:
  // Reads the files of the configuration. `invalid`, naming the credential, when one cannot be read or parsed.
  static Result<std::shared_ptr<const TlsMaterial>> load(const ClusterConfig& config);

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

  static Result<Certificates> parse_certificates(const std::string& what, const Secret& pem);

  Certificates authorities_;
  Certificates chain_;  // ours, leaf first
  std::unique_ptr<EVP_PKEY, Free> key_;
};

}  // namespace tributary::kube
