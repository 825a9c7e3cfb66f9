#include "operator/kube/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "engine/base/seal.h"

namespace tributary::kube {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

Bio reader_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A key with a passphrase is refused instead of asking on a terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

void read_no_system_roots() {
  setenv("SSL_CERT_FILE", "/dev/null", 1);
}

Result<TlsMaterial::Certificates> TlsMaterial::parse_certificates(const std::string& what, const std::string& pem) {
  const Bio bio = reader_of(pem);
  Certificates certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr))
    certificates.emplace_back(certificate);
  ERR_clear_error();
  if (certificates.empty()) return Error{Fault::invalid, what + " holds no PEM certificate"};
  return certificates;
}

Result<std::shared_ptr<const TlsMaterial>> TlsMaterial::load(const ClusterConfig& config) {
  auto material = std::make_shared<TlsMaterial>();
  if (config.authority.given()) {
    const std::string pem = TRY(config.authority.read());
    material->authorities_ = TRY(parse_certificates("certificate-authority", pem));
    material->authority_ = sha256(pem);
  }
  if (config.client_certificate.given()) {
    const std::string pem = TRY(config.client_certificate.read());
    material->chain_ = TRY(parse_certificates("client-certificate", pem));
    const std::string key = TRY(config.client_key.read());
    material->key_.reset(PEM_read_bio_PrivateKey(reader_of(key).get(), nullptr, no_passphrase, nullptr));
    material->identity_ = sha256(pem + key);
    ERR_clear_error();
    if (!material->key_) return Error{Fault::invalid, "client-key holds no PEM private key without a passphrase"};
    if (X509_check_private_key(material->chain_.front().get(), material->key_.get()) != 1) {
      ERR_clear_error();
      return Error{Fault::invalid, "client-key does not belong to client-certificate"};
    }
  }
  return std::shared_ptr<const TlsMaterial>(std::move(material));
}

bool TlsMaterial::install(SSL_CTX* context) const {
  X509_STORE* roots = X509_STORE_new();
  if (roots == nullptr) return false;
  SSL_CTX_set_cert_store(context, roots);  // owns it; the system's roots go with the old store
  for (const Certificate& authority : authorities_)
    if (X509_STORE_add_cert(roots, authority.get()) != 1) return false;
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return false;
  if (chain_.empty()) return true;
  if (SSL_CTX_use_certificate(context, chain_.front().get()) != 1) return false;
  for (std::size_t i = 1; i < chain_.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, chain_[i].get()) != 1) return false;
  return SSL_CTX_use_PrivateKey(context, key_.get()) == 1;
}

Result<std::shared_ptr<const TlsMaterial>> TlsSource::get(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (material_ && now - checked_ < check_every_) return material_;
  return read(now);
}

Result<std::shared_ptr<const TlsMaterial>> TlsSource::refresh(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  return read(now);
}

Result<std::shared_ptr<const TlsMaterial>> TlsSource::read(SteadyTime now) {
  Result<std::shared_ptr<const TlsMaterial>> fresh = TlsMaterial::load(config_);
  if (!fresh.ok() && !material_) return fresh.error();
  checked_ = now;
  const bool same =
      material_ && (!fresh.ok() || ((*fresh)->same_authority(*material_) && (*fresh)->same_identity(*material_)));
  if (!same) material_ = std::move(fresh).value();
  return material_;
}

}  // namespace tributary::kube
