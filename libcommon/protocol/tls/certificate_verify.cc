#include "libcommon/protocol/tls/certificate_verify.h"

namespace mailroom::tls {
namespace {

constexpr std::size_t kPadding = 64;
constexpr std::size_t kSha256 = 32, kSha384 = 48;

}  // namespace

std::string to_be_signed(Side side, std::string_view transcript_hash) {
  std::string octets(kPadding, ' ');
  octets.append("TLS 1.3, ").append(side == Side::server ? "server" : "client").append(" CertificateVerify");
  return octets.append(1, '\0').append(transcript_hash);
}

bool is_to_be_signed(Side side, std::string_view octets) {
  const std::string before = to_be_signed(side, {});
  if (!octets.starts_with(before)) return false;
  const std::size_t hash = octets.size() - before.size();
  return hash == kSha256 || hash == kSha384;
}

}  // namespace mailroom::tls
