#pragma once

#include <string>
#include <string_view>

// What tokens are made of and known by. The one place that knows the library that computes it.
namespace tributary {

// SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view text);

// HMAC-SHA-256 (RFC 2104) of `text` under `key` as 64 lower-case hexadecimal digits.
std::string hmac_sha256(std::string_view key, std::string_view text);

// Compares in a time that tells nothing of where two texts of the same size differ.
bool same_secret(std::string_view a, std::string_view b);

// So many bytes that nobody can guess; "" where the system has none to give.
std::string random_bytes(int count);

// RFC 4648. Text that is none decodes to "".
std::string to_base64(std::string_view bytes);
std::string from_base64(std::string_view text);

}  // namespace tributary
