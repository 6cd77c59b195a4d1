#include "daemons/config/load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "daemons/config/tables.h"
#include "libcommon/dns/trust_anchor.h"
#include "libcommon/sys/fd.h"
#include "libcommon/text/pem.h"

namespace mailroom::config {

namespace {

constexpr std::size_t kMaxChainSize = 256 * 1024;
constexpr std::size_t kMaxAnchorSize = 64 * 1024;

std::string reason_of(int error) { return std::strerror(error); }

Parsed<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (!fd) return std::unexpected(reason_of(errno));
  std::string content(limit + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(fd.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(reason_of(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > limit) return std::unexpected(fmt::format("larger than {}", format_size(limit)));
  content.resize(size);
  content.shrink_to_fit();  // kept as long as the configuration: a certificate is a hundredth of the limit
  return content;
}

struct PemKind {
  std::string_view label, words;
  std::size_t max_size;
};
constexpr PemKind kCertificates{"CERTIFICATE", "certificate", kMaxChainSize};
constexpr PemKind kRevocations{"X509 CRL", "revocation list", kMaxRevocationsSize};

Parsed<std::string> read_pem(const std::string& path, const PemKind& kind) {
  auto pem = read_file(path, kind.max_size);
  if (!pem) return std::unexpected(fmt::format("{}: {}", path, pem.error()));
  const auto blocks = decode_pem(*pem, kind.label);
  if (!blocks) return std::unexpected(fmt::format("{}: {}", path, blocks.error()));
  if (blocks->empty()) return std::unexpected(fmt::format("{}: no {} in it (PEM)", path, kind.words));
  return pem;
}

Result read_chain(CertificateConfig& certificate) {
  auto pem = read_pem(certificate.chain_file, kCertificates);
  if (!pem) return std::unexpected(pem.error());
  certificate.chain_pem = std::move(*pem);
  return {};
}

// The key itself is read in keyd only.
Result look_at_key(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return std::unexpected(fmt::format("{}: {}", path, reason_of(errno)));
  if (!S_ISREG(status.st_mode)) return std::unexpected(fmt::format("{}: not a file", path));
  if ((status.st_mode & 007) != 0)
    return std::unexpected(
        fmt::format("{}: everyone may use this private key (mode {:04o})", path, status.st_mode & 07777));
  return {};
}

// Of the key that may be given once.
unsigned line_of(std::string_view key, const std::vector<Directive>& directives) {
  const auto found = std::ranges::find(directives, key, &Directive::name);
  return found == directives.end() ? 0 : found->line;
}

Result read_trust_anchors(DnsdConfig& config) {
  if (config.trust_anchor_file.empty()) {
    config.trust_anchors = dns::root_trust_anchors();
    return {};
  }
  const auto text = read_file(config.trust_anchor_file, kMaxAnchorSize);
  auto anchors = text ? dns::parse_trust_anchors(*text) : std::unexpected(text.error());
  if (!anchors) return std::unexpected(fmt::format("{}: {}", config.trust_anchor_file, anchors.error()));
  config.trust_anchors = std::move(*anchors);
  return {};
}

// The lists are read in certd only.
void read_client_authorities(ClientCertificateConfig& config, const std::vector<Directive>& directives,
                             const std::string& file, Errors& errors) {
  if (!config.authorities_file.empty()) {
    auto pem = read_pem(config.authorities_file, kCertificates);
    if (!pem)
      errors.push_back({file, line_of("client-certificate.authorities", directives), pem.error()});
    else
      config.authorities_pem = std::move(*pem);
  }
  if (const auto pem = read_revocations(config); !pem)
    errors.push_back({file, line_of("client-certificate.revocations", directives), pem.error()});
}

unsigned line_of(const CertificateConfig& certificate, const std::vector<Directive>& directives) {
  for (const auto& directive : directives)
    if (directive.name == "certificate" && directive.values.size() > 1 &&
        directive.values[1] == certificate.chain_file)
      return directive.line;
  return 0;
}

void read_certificates(Config& config, const std::vector<Directive>& directives, const std::string& file,
                       Errors& errors) {
  for (auto& certificate : config.certificates)
    for (const auto& result : {read_chain(certificate), look_at_key(certificate.key_file)})
      if (!result) errors.push_back({file, line_of(certificate, directives), result.error()});
}

struct Reading {
  Config config;
  std::vector<Directive> directives;
  Errors errors;
  Errors client_errors;  // of the files of client certificates
};

Reading read_directives(std::string_view text, const std::string& file) {
  Reading reading;
  auto parsed = parse_directives(text, file);
  reading.directives = std::move(parsed.directives);
  reading.errors = std::move(parsed.errors);
  schema().apply(reading.directives, file, reading.config, reading.errors);
  // After a wrong line, what seems to be missing may just not have been understood.
  if (reading.errors.empty())
    for (auto& reason : contradictions(reading.config))
      reading.errors.push_back({file, 0, std::move(reason)});
  return reading;
}

std::expected<Config, Errors> outcome(Reading reading) {
  std::ranges::move(reading.client_errors, std::back_inserter(reading.errors));
  if (reading.errors.empty()) return std::move(reading.config);
  const auto by_line = [](const Error& a, const Error& b) { return a.line < b.line; };
  std::stable_sort(reading.errors.begin(), reading.errors.end(), by_line);
  return std::unexpected(std::move(reading.errors));
}

Reading read_all(const std::string& path) {
  const auto text = read_file(path, kMaxFileSize);
  if (!text) return {{}, {}, {{path, 0, text.error()}}, {}};
  Reading reading = read_directives(*text, path);
  read_certificates(reading.config, reading.directives, path, reading.errors);
  read_client_authorities(reading.config.client_certificate, reading.directives, path, reading.client_errors);
  if (const auto done = read_trust_anchors(reading.config.dnsd); !done)
    reading.errors.push_back({path, line_of("dnsd.trust-anchor", reading.directives), done.error()});
  return reading;
}

}  // namespace

std::expected<Config, Errors> parse(std::string_view text, const std::string& file) {
  return outcome(read_directives(text, file));
}

std::expected<Config, Errors> load(const std::string& path) { return outcome(read_all(path)); }

std::expected<ForStart, Errors> load_for_start(const std::string& path) {
  Reading reading = read_all(path);
  Errors off;
  if (reading.errors.empty()) off.swap(reading.client_errors);
  auto config = outcome(std::move(reading));
  if (!config) return std::unexpected(std::move(config.error()));
  if (!off.empty()) config->client_certificate = {};
  return ForStart{std::move(*config), std::move(off)};
}

Parsed<std::string> read_revocations(const ClientCertificateConfig& config) {
  if (config.revocations_file.empty()) return std::string{};
  return read_pem(config.revocations_file, kRevocations);
}

std::vector<std::string> changes_that_need_restart(const Config& running, const Config& fresh) {
  std::vector<std::string> names;
  for (const auto& key : schema().keys())
    if (key.reload == Reload::restart && key.show(running) != key.show(fresh)) names.push_back(key.name);
  return names;
}

std::string show(const Config& config) {
  std::string text;
  for (const auto& key : schema().keys())
    for (const auto& values : key.show(config)) text += fmt::format("{} {}\n", key.name, values);
  return text;
}

}  // namespace mailroom::config
