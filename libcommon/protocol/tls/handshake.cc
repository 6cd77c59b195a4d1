#include "libcommon/protocol/tls/handshake.h"

#include <optional>

#include "libcommon/protocol/tls/message_type.h"
#include "libcommon/protocol/tls/octet_reader.h"

namespace mailroom::tls {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kVersion = 2, kRandom = 32;
constexpr std::size_t kMaxSessionId = 32;

// RFC 8446 4.1.3: SHA-256 of "HelloRetryRequest"
constexpr std::string_view kRetryRandom =
    "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"
    "\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C"sv;
static_assert(kRetryRandom.size() == kRandom);

constexpr std::uint16_t kAes128 = 0x1301, kAes256 = 0x1302, kChaCha20 = 0x1303;  // RFC 8446 B.4

struct ServerHello {
  std::string_view random;
  std::size_t suite = 0;
};

std::optional<ServerHello> read_server_hello(std::string_view body) {
  OctetReader reader{body};
  const auto version = reader.take(kVersion), random = reader.take(kRandom);
  if (!version || !random) return std::nullopt;
  const auto session_id = reader.vector(1);
  if (!session_id || session_id->size() > kMaxSessionId) return std::nullopt;
  const auto suite = reader.number(2);
  if (!suite) return std::nullopt;
  return ServerHello{*random, *suite};
}

std::optional<TranscriptHash> hash_of(std::size_t suite) {
  if (suite == kAes256) return TranscriptHash::sha384;
  if (suite == kAes128 || suite == kChaCha20) return TranscriptHash::sha256;
  return std::nullopt;
}

// Empty where it is not one, or has none.
std::vector<std::string_view> read_chain(std::string_view body, std::size_t limit) {
  OctetReader reader{body};
  const auto context = reader.vector(1), list = reader.vector(3);
  if (!context || !context->empty() || !list || !reader.at_end()) return {};
  std::vector<std::string_view> chain;
  for (OctetReader entries{*list}; !entries.at_end();) {
    const auto certificate = entries.vector(3);
    if (!certificate || certificate->empty() || !entries.vector(2) || chain.size() == limit) return {};
    chain.push_back(*certificate);
  }
  return chain;
}

std::optional<CertificateVerify> read_verify(std::string_view body) {
  OctetReader reader{body};
  const auto scheme = reader.number(2);
  const auto signature = scheme ? reader.vector(2) : std::nullopt;
  if (!signature || signature->empty() || !reader.at_end()) return std::nullopt;
  return CertificateVerify{static_cast<std::uint16_t>(*scheme), *signature};
}

// The messages in their order.
class Messages {
 public:
  explicit Messages(std::string_view octets) : all_{octets}, reader_{octets} {}

  // The body of the next one, when it is of that type.
  std::optional<std::string_view> take(MessageType type) {
    const auto given = reader_.number(1);
    if (!given || *given != static_cast<std::size_t>(type)) return std::nullopt;
    return reader_.vector(3);
  }
  std::size_t taken() const { return all_.size() - reader_.left().size(); }
  std::string_view from_to_here(std::size_t begin) const { return all_.substr(begin, taken() - begin); }
  bool at_end() const { return reader_.at_end(); }

 private:
  std::string_view all_;
  OctetReader reader_;
};

// Hellos, with a retry or without; gives where the transcript begins behind the hello that was retried.
std::expected<std::size_t, const char*> read_hellos(Messages& messages, Handshake& handshake) {
  if (!messages.take(MessageType::client_hello)) return std::unexpected("no ClientHello");
  std::size_t begin = 0;
  for (const bool may_retry : {true, false}) {
    const std::size_t hello_end = messages.taken();
    const auto body = messages.take(MessageType::server_hello);
    const auto hello = body ? read_server_hello(*body) : std::nullopt;
    if (!hello) return std::unexpected("no ServerHello");
    if (hello->random != kRetryRandom) {
      const auto hash = hash_of(hello->suite);
      if (!hash) return std::unexpected("a cipher suite that is none of TLS 1.3's");
      handshake.hash = *hash;
      return begin;
    }
    if (!may_retry) return std::unexpected("a second HelloRetryRequest");
    handshake.retried_hello = std::string_view{messages.from_to_here(0)}.substr(0, hello_end);
    begin = hello_end;
    if (!messages.take(MessageType::client_hello))
      return std::unexpected("no ClientHello after HelloRetryRequest");
  }
  return std::unexpected("no ServerHello");
}

}  // namespace

std::expected<Handshake, const char*> read_handshake(std::string_view octets) {
  Handshake handshake;
  Messages messages{octets};
  const auto begin = read_hellos(messages, handshake);
  if (!begin) return std::unexpected(begin.error());

  if (!messages.take(MessageType::encrypted_extensions)) return std::unexpected("no EncryptedExtensions");
  if (!messages.take(MessageType::certificate_request)) return std::unexpected("no CertificateRequest");
  const auto server_certificates = messages.take(MessageType::certificate);
  if (!server_certificates) return std::unexpected("no Certificate of the server");
  const auto server_chain = read_chain(*server_certificates, server_certificates->size());
  if (server_chain.empty()) return std::unexpected("a malformed Certificate of the server");
  handshake.server_certificate = server_chain.front();
  handshake.server_transcript = messages.from_to_here(*begin);

  const auto server_verify = messages.take(MessageType::certificate_verify);
  const auto server = server_verify ? read_verify(*server_verify) : std::nullopt;
  if (!server) return std::unexpected("no CertificateVerify of the server");
  handshake.server = *server;
  if (!messages.take(MessageType::finished)) return std::unexpected("no Finished of the server");

  const auto client_certificates = messages.take(MessageType::certificate);
  if (!client_certificates) return std::unexpected("no Certificate of the client");
  handshake.client_chain = read_chain(*client_certificates, kMaxClientChain);
  if (handshake.client_chain.empty()) return std::unexpected("no certificates in the client's Certificate");
  handshake.client_transcript = messages.from_to_here(*begin);

  const auto client_verify = messages.take(MessageType::certificate_verify);
  const auto client = client_verify ? read_verify(*client_verify) : std::nullopt;
  if (!client) return std::unexpected("no CertificateVerify of the client");
  handshake.client = *client;
  if (!messages.at_end()) return std::unexpected("more than a handshake");
  return handshake;
}

}  // namespace mailroom::tls
