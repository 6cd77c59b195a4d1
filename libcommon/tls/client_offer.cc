#include "libcommon/tls/client_offer.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstdio>

#include "libcommon/tls/library.h"

namespace mailroom::tls {
namespace {

constexpr std::size_t kSuitesNamed = 12;  // in one log line

std::uint16_t number_at(const unsigned char* octets) {
  return static_cast<std::uint16_t>(octets[0] << 8 | octets[1]);
}

// RFC 8446 4.2.1: a list of versions with one octet of length.  Values that are no TLS version are GREASE
// (RFC 8701).
std::uint16_t highest_supported_version(SSL* ssl) {
  const unsigned char* list = nullptr;
  std::size_t size = 0;
  std::uint16_t highest = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &list, &size) != 1) return highest;
  for (std::size_t i = 1; i + 1 < size; i += 2)
    if (const std::uint16_t version = number_at(list + i); version <= TLS1_3_VERSION)
      highest = std::max(highest, version);
  return highest;
}

std::vector<std::uint16_t> offered_suites(SSL* ssl) {
  const unsigned char* list = nullptr;
  const std::size_t size = SSL_client_hello_get0_ciphers(ssl, &list);
  std::vector<std::uint16_t> suites;
  for (std::size_t i = 0; i + 1 < size && suites.size() < kMaxOfferedSuites; i += 2)
    suites.push_back(number_at(list + i));
  return suites;
}

std::string version_name(std::uint16_t version) {
  if (version == SSL3_VERSION) return "SSL 3.0";
  if (version > SSL3_VERSION && version <= TLS1_3_VERSION)
    return "TLS 1." + std::to_string(version - TLS1_VERSION);
  return "an unknown version";
}

// IANA's name of a suite that OpenSSL knows; others by number.
std::string suite_name(SSL* ssl, std::uint16_t suite) {
  const unsigned char octets[] = {static_cast<unsigned char>(suite >> 8), static_cast<unsigned char>(suite)};
  const SSL_CIPHER* known = SSL_CIPHER_find(ssl, octets);
  if (known != nullptr) return SSL_CIPHER_standard_name(known);
  char number[8];
  std::snprintf(number, sizeof number, "%04x", suite);
  return number;
}

std::string suite_list(SSL* ssl, const std::vector<std::uint16_t>& suites) {
  std::string list;
  for (std::size_t i = 0; i < std::min(suites.size(), kSuitesNamed); ++i)
    list += ' ' + suite_name(ssl, suites[i]);
  return suites.size() > kSuitesNamed ? list + " ..." : list;
}

}  // namespace

ClientOffer read_offer(SSL* ssl) {
  ClientOffer offer;
  offer.seen = true;
  const auto legacy_version = static_cast<std::uint16_t>(SSL_client_hello_get0_legacy_version(ssl));
  offer.highest_version = std::max(legacy_version, highest_supported_version(ssl));
  offer.suites = offered_suites(ssl);
  return offer;
}

std::string explain_failure(SSL* ssl, const ClientOffer& offer) {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  const std::string words = take_errors();
  switch (reason) {
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_VERSION_TOO_LOW:
    return "client offers at most " + version_name(offer.highest_version) + ", needed is " +
           version_name(static_cast<std::uint16_t>(SSL_get_min_proto_version(ssl))) +
           "; its suites:" + suite_list(ssl, offer.suites);
  case SSL_R_NO_SHARED_CIPHER:
    return "no common cipher suite or key type, client offers " + version_name(offer.highest_version) +
           " with" + suite_list(ssl, offer.suites);
  case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
  case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    return "no common signature algorithm";
  case SSL_R_HTTP_REQUEST:
  case SSL_R_HTTPS_PROXY_REQUEST:
  case SSL_R_WRONG_VERSION_NUMBER:
    return offer.seen ? words : "client does not speak TLS: " + words;
  default:
    return words;
  }
}

}  // namespace mailroom::tls
