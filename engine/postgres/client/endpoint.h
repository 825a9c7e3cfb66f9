#pragma once

#include <string_view>

#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/postgres/client/connection.h"

// From what a person or a Secret says about a server to what libpq needs. Called anew before every connect, so that
// rotated credentials are picked up. Keys that neither the endpoint nor the Secret gives are left out: libpq then
// looks at the environment, the service file and the password file as it always does.
namespace tributary::postgres {

// `which` is "source" or "target" and names the endpoint in errors, which never hold a value of the Secret. Files of
// credentials_dir: `uri` (wins), or `host port dbname user|username password`; line ends at the end of a value are
// dropped. `ca.crt`, `tls.crt` and `tls.key` become the TLS files; a key that libpq would refuse for its permissions,
// as the files of mounted Secrets are, is served from a private memory file of this process instead.
//
// TLS mode: the endpoint's, else the URI's, else verify-full where a CA is given. allow_self_signed_certificates
// means require without verification where no mode is asked for, and contradicts verify-ca and verify-full.
//
// Fault::invalid for everything that is wrong here: a person must change the configuration.
Result<Parameters> resolve(const api::Endpoint& endpoint, std::string_view which);

// The same server and role, another database.
Parameters for_database(Parameters parameters, std::string_view database);
Result<Parameters> resolve_database(const api::Endpoint& endpoint, std::string_view which, std::string_view database);

}  // namespace tributary::postgres
