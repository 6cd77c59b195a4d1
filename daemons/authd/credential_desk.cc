#include "daemons/authd/credential_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/authd/password_hash.h"
#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "libcommon/protocol/sasl/credentials.h"
#include "libcommon/text/ascii.h"

namespace mailroom::authd {
namespace {

constexpr std::size_t kMaxDomain = 256;  // RFC 5321 4.5.3.1.2, and the dot of ".example.org"
constexpr std::size_t kMaxTarget = 300;

void note(const std::string& command) {
  log::write("control-command", {{"tool", "mr-credential"}, {"command", command}});
}

bool is_word(std::string_view text, std::size_t limit) {
  return !text.empty() && text.size() <= limit && std::ranges::all_of(text, is_visible);
}

}  // namespace

// The process's end; spoken to without a queue, so that no copy of a secret waits anywhere.
struct CredentialDesk::Relay {
  RelayId id = 0;
  std::uint32_t ticket = 0;
  ipc::PacketSocket socket;
  event::ReadWatch readable;

  Relay(event::Loop& loop, const OpenCredentials& opened, Fd fd, std::function<void()> on_readable)
      : id{opened.relay}, ticket{opened.route}, socket{std::move(fd)}, readable{loop, socket.fd(),
                                                                                std::move(on_readable)} {}
};

CredentialDesk::CredentialDesk(event::Loop& loop, const Config& config, SecretStore& store)
    : loop_{loop}, config_{config}, store_{store} {}

CredentialDesk::~CredentialDesk() = default;

// ---- tools

AuthdToTool CredentialDesk::answer(CredentialRequest&& request) {
  try {
    return std::visit([this](auto& message) { return handle(message); }, request);
  } catch (const std::exception& error) {
    log::write("state-failed", {{"reason", error.what()}});
    return ToolRefused{std::string("nothing was changed: ") + error.what()};
  }
}

AuthdToTool CredentialDesk::handle(SetCredentials& request) {
  if (!is_word(request.domain, kMaxDomain) || !is_word(request.target, kMaxTarget))
    return ToolRefused{"not a route"};
  if (request.user.empty() || request.user.size() > kMaxUser || !sasl::is_possible_password(request.user))
    return ToolRefused{"not a user name"};
  const bool possible = !request.password.empty() && request.password.size() <= kMaxHashedPassword &&
                        sasl::is_possible_password(request.password);
  if (!possible)
    return ToolRefused{"a password has 1 to " + std::to_string(kMaxHashedPassword) + " octets, and no NUL"};
  StoredCredentials stored{request.target, request.user, std::move(request.password)};
  store_.set_credentials(lower_case(request.domain), stored);
  wipe(stored.password);
  wipe(request.password);
  note("set " + request.domain);
  return Done{};
}

AuthdToTool CredentialDesk::handle(const RemoveCredentials& request) {
  if (store_.remove_credentials(lower_case(request.domain))) note("remove " + request.domain);
  return Done{};
}

AuthdToTool CredentialDesk::handle(const ListCredentials& request) {
  return store_.list_credentials(request.after);
}

// ---- relay processes

void CredentialDesk::attach_relayd(LeasedFd fd) {
  relayd_ = std::make_unique<ListenerChannel>(
      loop_, std::move(fd), 1,
      [this](RelaydToAuthd&& message, std::vector<Fd>&& with) {
        on_listener(std::get<OpenCredentials>(message), std::move(with));
      },
      [this](event::ChannelEnd why) {
        log_channel_end("relayd-authd", "relayd", why);
        relayd_.reset();
      });
}

void CredentialDesk::on_listener(const OpenCredentials& message, std::vector<Fd>&& descriptors) {
  if (descriptors.size() != 1 || relays_.contains(message.relay)) {
    log::write("peer-misbehaved", {{"channel", "relayd-authd"},
                                   {"peer", "relayd"},
                                   {"reason", "a connection without its channel, or there already"}});
    relayd_.reset();
    return;
  }
  if (relays_.size() >= kMaxRelays) return;  // its channel closes: no credentials
  relays_.emplace(message.relay, std::make_unique<Relay>(loop_, message, std::move(descriptors.front()),
                                                         [this, id = message.relay] { on_relay(id); }));
}

void CredentialDesk::on_relay(RelayId id) {
  Relay& relay = *relays_.at(id);
  const auto packet = relay.socket.receive(ipc::PacketSocket::Wait::no);
  if (!packet && packet.error() == ipc::ReceiveError::would_block) return;
  if (packet && ipc::decode<RelayToAuthd>(packet->bytes)) return hand_out(relay);
  if (packet || packet.error() != ipc::ReceiveError::closed)
    log::write("peer-misbehaved",
               {{"session", log::Id{id}}, {"channel", "relay-authd"}, {"reason", "malformed"}});
  relays_.erase(id);
}

// Nothing unless exactly one route of the configuration is meant, wants a login, and leads where the
// credentials belong.
std::optional<StoredCredentials> CredentialDesk::find(std::uint32_t ticket) {
  const auto is_meant = [ticket](const RouteConfig& route) { return routing::route_ticket(route) == ticket; };
  if (ticket == 0 || std::ranges::count_if(config_.routes, is_meant) != 1) return std::nullopt;
  const RouteConfig& route = *std::ranges::find_if(config_.routes, is_meant);
  if (!route.authenticate) return std::nullopt;
  auto stored = store_.credentials_of(route.domain);
  if (!stored || stored->target == routing::fixed_target(route)) return stored;
  wipe(stored->password);
  return std::nullopt;
}

// Sent without a queue, and overwritten at once.
void CredentialDesk::hand_out(Relay& relay) {
  constexpr std::size_t kMostOctets = 2 * (kMaxUser + kMaxHashedPassword);
  AuthdToRelay message;
  auto& answer = std::get<RelayCredentials>(message);
  try {
    if (auto stored = find(relay.ticket)) {
      answer.user = stored->user;
      answer.password = stored->password;
      wipe(stored->password);
    }
  } catch (const std::exception& error) {
    log::write("state-failed", {{"reason", error.what()}});
  }
  log::write("credentials-asked", {{"relay", log::Id{relay.id}}, {"user", answer.user}});
  std::string packet;
  packet.reserve(kMostOctets);
  ipc::Encoder{packet}.put(message);
  const auto result = relay.socket.send(packet, ipc::PacketSocket::Wait::no);
  wipe(packet);
  wipe(answer.password);
  if (result != ipc::SendResult::sent) relays_.erase(relay.id);
}

}  // namespace mailroom::authd
