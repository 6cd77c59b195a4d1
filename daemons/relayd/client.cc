#include "daemons/relayd/client.h"

#include <algorithm>
#include <array>

namespace mailroom::relayd {
namespace {

using routing::TlsLevel;

constexpr std::chrono::seconds kQuitPatience{5};

// What no operator can mean: unspecified, multicast, broadcast, without a port.  What the DNS must not lead
// to beyond that is known to who has chosen the hops (libcommon/routing/forbidden.h).
bool is_no_host(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 16> kUnspecified{};
  if (address.port == 0 || address.bytes == kUnspecified) return true;
  if (!address.is_v4()) return address.bytes[0] == 0xff;
  return address.bytes[12] == 0 || address.bytes[12] >= 224;
}

bool may_do_without_tls(const HopAttempt& failed, const routing::TlsRequirement& tls) {
  return tls.level == TlsLevel::may &&
         (failed.failure == RelayFailure::tls_failed || failed.failure == RelayFailure::certificate);
}

}  // namespace

std::variant<Connected, NotConnected> Client::connect(const Connect& request) {
  begin_opening(request);
  for (const routing::NextHop& hop : request.hops) {
    if (attempts_.size() >= kMaxAttempts) break;
    if (!try_hop(request, hop)) continue;
    connected_->attempts = std::move(attempts_);
    return std::move(*connected_);
  }
  return NotConnected{std::move(attempts_)};
}

void Client::begin_opening(const Connect& request) {
  opening_end_ = world_.clock.now() + kOpeningTime;
  for (const routing::NextHop& hop : request.hops)
    targets_left_ += std::max<std::size_t>(hop.addresses.size(), 1);
  targets_left_ = std::min(targets_left_, kMaxAttempts);
}

// Until when the next target may take: what one does not use is left for the others.
Exchange::Time Client::share_of_opening() {
  const Exchange::Time now = world_.clock.now();
  const auto share =
      (opening_end_ - now) / static_cast<std::ptrdiff_t>(std::max<std::size_t>(targets_left_, 1));
  if (targets_left_ > 0) --targets_left_;
  return now + share;
}

bool Client::try_hop(const Connect& request, const routing::NextHop& hop) {
  if (hop.addresses.empty()) return try_target(request, {hop, nullptr});
  for (const IpAddress& address : hop.addresses)
    if (attempts_.size() < kMaxAttempts && try_target(request, {hop, &address})) return true;
  return false;
}

bool Client::try_target(const Connect& request, const Target& target) {
  routing::TlsRequirement tls = target.hop.tls;
  const Exchange::Time end = share_of_opening();
  for (;;) {
    auto failed = open(request, target, tls, end);
    if (!failed) {
      connected_ = connected(target);
      return true;
    }
    const bool again = may_do_without_tls(*failed, tls) && request.protocol != routing::Protocol::smtps;
    failed->host = target.hop.name;
    if (target.address != nullptr) failed->address = *target.address;
    attempts_.push_back(std::move(*failed));
    if (!again) return false;
    tls.level = TlsLevel::never;
  }
}

// Nothing when there is a session.
std::optional<HopAttempt> Client::open(const Connect& request, const Target& target,
                                       const routing::TlsRequirement& tls, Exchange::Time end) {
  const auto failure = [](RelayFailure why, std::string words) {
    return HopAttempt{{}, {}, why, {}, std::move(words), {}};
  };
  if (target.address != nullptr && is_no_host(*target.address))
    return failure(RelayFailure::forbidden, "no address of a host");
  auto link = dial(target, end);
  if (!link) return failure(RelayFailure::unreachable, std::move(link.error()));
  link_ = std::move(*link);
  exchange_.emplace(*link_, world_.clock);
  exchange_->set_end(end);
  auto session =
      open_session(facts_, {request.protocol, tls, request.authenticate ? &world_.credentials : nullptr},
                   *link_, *exchange_);
  if (session) {
    session_ = std::move(*session);
    return std::nullopt;
  }
  if (session.error().failure != RelayFailure::cut) quit();
  return std::move(session.error());
}

std::expected<std::unique_ptr<Link>, std::string> Client::dial(const Target& target, Exchange::Time end) {
  const auto deadline =
      std::min(world_.clock.now() + std::chrono::milliseconds{facts_.limits.connect_timeout}, end);
  return target.address != nullptr ? world_.dialler.connect(*target.address, deadline)
                                   : world_.dialler.connect_unix(target.hop.name, deadline);
}

Connected Client::connected(const Target& target) {
  return {.host = target.hop.name,
          .address = target.address != nullptr ? *target.address : IpAddress{},
          .tls = session_.tls,
          .verified = session_.verified,
          .tls_result = session_.tls_trouble,
          .dsn = session_.capabilities.dsn,
          .attempts = {}};
}

Sent Client::send(const Send& message, std::string_view content) {
  exchange_->set_end(world_.clock.now() + std::chrono::milliseconds{facts_.limits.message_timeout});
  Transaction transaction{facts_.limits, session_, *exchange_, message, content, left_over_};
  Sent sent = transaction.run();
  left_over_ = transaction.left_over();
  return sent;
}

bool Client::has_left() {
  try {
    return exchange_->has_spoken();
  } catch (const Cut&) {
    return true;
  }
}

void Client::quit() noexcept {
  try {
    link_->stream().set_deadline(world_.clock.now() + kQuitPatience);
    link_->stream().write("QUIT\r\n");
    link_->close();
  } catch (const std::exception&) {  // it has gone already
  }
}

}  // namespace mailroom::relayd
