#include "daemons/pop3d/kpop.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/channels/authd.h"

namespace mailroom::pop3d {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSendauth = "KRB5_SENDAUTH_V1.0\0"sv;
constexpr std::string_view kKpop = "KPOPV1.0\0"sv;
constexpr std::size_t kLengthOctets = 4;

// The answers to the two versions.
constexpr std::string_view kBothKnown = "\0"sv, kUnknownSendauth = "\1"sv, kUnknownApplication = "\2"sv;

std::string read_exactly(Stream& client, std::size_t size) {
  std::string octets(size, '\0');
  for (std::size_t got = 0; got < size;) {
    const std::size_t n = client.read({octets.data() + got, size - got});
    if (n == 0) throw StreamError{StreamError::Kind::closed, "the client has gone"};
    got += n;
  }
  return octets;
}

// Nothing for one that is longer than any that is needed.
std::optional<std::string> read_message(Stream& client, std::uint32_t longest) {
  const std::string octets = read_exactly(client, kLengthOctets);
  std::uint32_t length = 0;
  for (const char octet : octets) length = length << 8 | static_cast<unsigned char>(octet);
  if (length > longest) return std::nullopt;
  return read_exactly(client, length);
}

std::string message_of(std::string_view octets) {
  const auto length = static_cast<std::uint32_t>(octets.size());
  std::string message;
  for (const int shift : {24, 16, 8, 0}) message += static_cast<char>(length >> shift & 0xFF);
  return message.append(octets);
}

bool take_versions(Stream& client) {
  if (read_message(client, kSendauth.size()) != kSendauth) return client.write(kUnknownSendauth), false;
  if (read_message(client, kKpop.size()) != kKpop) return client.write(kUnknownApplication), false;
  client.write(kBothKnown);
  return true;
}

}  // namespace

bool take_ticket(Stream& client, Authenticator& authenticator, std::chrono::milliseconds patience) {
  client.set_deadline(std::chrono::steady_clock::now() + patience);
  if (!take_versions(client)) return false;
  const auto request = read_message(client, kMaxKpopMessage);
  if (!request) return false;
  const AuthStep step = authenticator.start(kKpopMechanism, *request);
  if (const auto* failure = std::get_if<AuthFailure>(&step); failure != nullptr && !failure->token.empty())
    client.write(message_of(failure->token));
  const auto* reply = std::get_if<AuthChallenge>(&step);
  if (reply == nullptr) return false;
  client.write(message_of({}) + (reply->data.empty() ? "" : message_of(reply->data)));
  return true;
}

}  // namespace mailroom::pop3d
