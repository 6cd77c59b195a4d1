#include "daemons/listener/signer_client.h"

#include <chrono>
#include <exception>

namespace mailroom {
namespace {

// For the listener to answer and for keyd to sign; a handshake's own deadline is longer.
constexpr std::chrono::seconds kPatience{20};

const char* refusal_words(SignRefusal refusal) {
  switch (refusal) {
  case SignRefusal::unknown_key:
    return "keyd has no such key";
  case SignRefusal::wrong_scheme:
    return "keyd's key cannot make such a signature";
  case SignRefusal::not_tls:
    return "keyd found that these octets are no TLS handshake";
  case SignRefusal::too_many:
    return "keyd makes no more signatures for this connection";
  }
  return "keyd refused";
}

}  // namespace

std::expected<void, std::string> SignerClient::connect() {
  if (keyd_.is_open()) return {};
  listener_.send(WantSigner{});
  auto answer =
      listener_.receive(ipc::PacketSocket::Wait::yes, 1, std::chrono::steady_clock::now() + kPatience);
  if (!answer || !std::holds_alternative<SignerOpened>(answer->message) || answer->descriptors.size() != 1)
    return std::unexpected("keyd is not there");
  keyd_ = decltype(keyd_){std::move(answer->descriptors.front())};
  return {};
}

std::expected<std::string, std::string> SignerClient::sign(const tls::KeyId& key, tls::SignatureScheme scheme,
                                                           std::string_view to_be_signed) noexcept {
  try {
    if (auto connected = connect(); !connected) return std::unexpected(connected.error());
    keyd_.send(Sign{key, scheme, std::string{to_be_signed}});
    auto answer =
        keyd_.receive(ipc::PacketSocket::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
    if (!answer) return std::unexpected("keyd does not answer");
    if (const auto* refused = std::get_if<SignRefused>(&answer->message))
      return std::unexpected(refusal_words(refused->refusal));
    return std::move(std::get<Signature>(answer->message).bytes);
  } catch (const std::exception& error) {
    return std::unexpected(error.what());
  }
}

}  // namespace mailroom
