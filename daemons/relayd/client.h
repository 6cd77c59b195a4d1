// The client of one connection: finds a hop that takes a mail session, then carries messages over it.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "daemons/relayd/session.h"
#include "daemons/relayd/transaction.h"

namespace mailroom::relayd {

// Addresses that are tried for one Connect, each time counted: hops come from the DNS.
inline constexpr std::size_t kMaxAttempts = 20;

class Client {
 public:
  struct World {
    Dialler& dialler;
    CredentialSource& credentials;
    Clock& clock;
  };
  Client(ClientFacts facts, World world) : facts_{std::move(facts)}, world_{world} {}

  // Tries hops and their addresses in their order, each for its share of what is left of kOpeningTime: no
  // silent host takes the time of those behind it.  At level `may` a failure of TLS is followed by a try
  // without TLS (RFC 7435 section 4.1), for which the handshake leaves half of the address's time; at no
  // other.  Throws Stopped when this process is to end.
  std::variant<Connected, NotConnected> connect(const Connect& request);

  // Precondition: connect() said Connected, and no Sent that the connection is not reusable.  Throws Stopped
  // when this process is to end and the content has not left.
  Sent send(const Send& message, std::string_view content);

  // Whether the far side has closed, or spoken unasked, since the last message.
  bool has_left();

  // QUIT, whose reply nobody waits for.
  void quit() noexcept;

 private:
  struct Target {
    const routing::NextHop& hop;
    const IpAddress* address;  // null: a Unix socket
  };

  void begin_opening(const Connect& request);
  bool try_hop(const Connect& request, const routing::NextHop& hop);
  bool try_target(const Connect& request, const Target& target);
  std::optional<HopAttempt> open(const Connect& request, const Target& target,
                                 const routing::TlsRequirement& tls, Exchange::Time end);
  Exchange::Time share_of_opening();
  std::expected<std::unique_ptr<Link>, std::string> dial(const Target& target, Exchange::Time end);
  Connected connected(const Target& target);

  ClientFacts facts_;
  World world_;
  std::unique_ptr<Link> link_;
  std::optional<Exchange> exchange_;
  Session session_;
  Transaction::LeftOver left_over_ = Transaction::LeftOver::no;
  Exchange::Time opening_end_;
  std::size_t targets_left_ = 0;  // of the opening, with the one that is tried
  std::vector<HopAttempt> attempts_;
  std::optional<Connected> connected_;
};

}  // namespace mailroom::relayd
