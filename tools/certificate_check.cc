#include "tools/certificate_check.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "daemons/config/load.h"
#include "libcommon/tls/certificate.h"
#include "libcommon/tls/client_verifier.h"

namespace mailroom {
namespace {

std::expected<void, std::string> check_client_files(const ClientCertificateConfig& config) {
  const auto authorities = tls::ClientVerifier::make(config.authorities_pem, "");
  if (!authorities)
    return std::unexpected(fmt::format("{}: {}", config.authorities_file, authorities.error()));
  const auto revocations = config::read_revocations(config);
  if (!revocations) return std::unexpected(revocations.error());
  const auto with_lists = tls::ClientVerifier::make(config.authorities_pem, *revocations);
  if (!with_lists) return std::unexpected(fmt::format("{}: {}", config.revocations_file, with_lists.error()));
  return {};
}

}  // namespace

std::vector<std::string> wrong_with_certificates(const Config& config) {
  std::vector<std::string> wrong;
  for (const CertificateConfig& certificate : config.certificates) {
    const Fd key{::open(certificate.key_file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (const auto own = tls::read_identity(certificate.chain_pem, key); !own)
      wrong.push_back(
          fmt::format("{} and {}: {}", certificate.chain_file, certificate.key_file, own.error()));
  }
  if (!config.client_certificate.enabled()) return wrong;
  if (const auto checked = check_client_files(config.client_certificate); !checked)
    wrong.push_back(checked.error());
  return wrong;
}

}  // namespace mailroom
