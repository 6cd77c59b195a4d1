// mr-queue speaks to queued on its control socket (0600, root's): one request, one answer; ReadMessage has as
// many as the content has pieces.  Lists come in pages: the tool asks again after the last id it has, until a
// page says that it is the last.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/tools_policyd.h"
#include "daemons/channels/types.h"
#include "libcommon/routing/sender_tls.h"

namespace mailroom {

inline constexpr std::size_t kQueuePageSize = 25;       // messages of one page
inline constexpr std::size_t kQueuePageRecipients = 3;  // addresses of one message in it
inline constexpr std::size_t kQueuePageText = 300;  // octets of one address or problem in it; the rest is cut
inline constexpr std::size_t kShownTargets = 80;    // of one MessageShown

struct ListQueue {
  QueueId after = 0;  // 0: from the beginning
  static auto fields(auto& m) { return std::tie(m.after); }
};
struct CountQueue {
  static auto fields(auto&) { return std::tie(); }
};
struct ShowMessage {
  QueueId id = 0;
  static auto fields(auto& m) { return std::tie(m.id); }
};
struct ReadMessage {
  QueueId id = 0;
  static auto fields(auto& m) { return std::tie(m.id); }
};
// The changes answer with QueueChanged; id 0 is every message.
struct RetryMessage {
  QueueId id = 0;
  static auto fields(auto& m) { return std::tie(m.id); }
};
struct HoldMessage {
  QueueId id = 0;
  static auto fields(auto& m) { return std::tie(m.id); }
};
struct ReleaseMessage {
  QueueId id = 0;
  static auto fields(auto& m) { return std::tie(m.id); }
};
struct RemoveMessage {  // no report goes to the sender
  QueueId id = 0;
  static auto fields(auto& m) { return std::tie(m.id); }
};
// Destinations are named by their keys (libcommon/routing/route.h).
struct ListDestinations {
  std::string after;  // empty: from the beginning
  static auto fields(auto& m) { return std::tie(m.after); }
};
enum class DestinationChange : std::uint8_t { retry, hold, release, kLast = release };
struct ChangeDestination {  // answered with QueueChanged: the messages that wait for it
  std::string key;
  DestinationChange change{};
  static auto fields(auto& m) { return std::tie(m.key, m.change); }
};
struct ExplainRoute {   // asks the DNS; answered with RouteExplained
  std::string address;  // or empty: of the domain alone
  std::string domain;
  routing::SenderTls tls = routing::SenderTls::unspecified;
  static auto fields(auto& m) { return std::tie(m.address, m.domain, m.tls); }
};
using ToolToQueued =
    std::variant<ListQueue, CountQueue, ShowMessage, ReadMessage, RetryMessage, HoldMessage, ReleaseMessage,
                 RemoveMessage, ListDestinations, ChangeDestination, ExplainRoute>;

enum class MessageState : std::uint8_t { waiting, active, held, kLast = held };

struct QueuedMessage {
  QueueId id = 0;
  MessageState state = MessageState::waiting;
  std::uint64_t arrived = 0;       // microseconds since 1970
  std::uint64_t next_attempt = 0;  // the same
  std::uint32_t attempts = 0;
  std::uint64_t size = 0;  // octets of content
  std::string sender;      // empty: the null reverse-path
  std::uint32_t recipients = 0;
  std::vector<std::string> addresses;  // of the first recipients
  std::string problem;                 // why the last attempt did not finish, or why it is held
  static auto fields(auto& m) {
    return std::tie(m.id, m.state, m.arrived, m.next_attempt, m.attempts, m.size, m.sender, m.recipients,
                    m.addresses, m.problem);
  }
};
struct QueuePage {
  std::vector<QueuedMessage> messages;
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.messages, m.last); }
};
struct QueueCount {
  std::uint64_t messages = 0;
  std::uint64_t held = 0;
  std::uint64_t octets = 0;  // of the log that are needed
  static auto fields(auto& m) { return std::tie(m.messages, m.held, m.octets); }
};
struct ShownTarget {
  std::uint32_t number = 0;
  std::string address;
  AccountId account = 0;
  std::string destination;  // key of it; empty: a local mailbox
  bool finished = false;
  std::string answer;  // the last one about it, while it is not finished
  static auto fields(auto& m) {
    return std::tie(m.number, m.address, m.account, m.destination, m.finished, m.answer);
  }
};
struct MessageShown {
  QueuedMessage message;
  ConnectionId connection = 0;
  std::string submitter;
  std::vector<ShownTarget> targets;  // the first kShownTargets
  static auto fields(auto& m) { return std::tie(m.message, m.connection, m.submitter, m.targets); }
};
struct ContentPiece {
  std::string bytes;
  bool last = false;
  std::string problem;  // of the last piece: why the content is not what was accepted; empty when it is
  static auto fields(auto& m) { return std::tie(m.bytes, m.last, m.problem); }
};
struct QueueChanged {
  std::uint64_t messages = 0;  // to which it applied
  static auto fields(auto& m) { return std::tie(m.messages); }
};
enum class DestinationState : std::uint8_t { ready, waiting, held, kLast = held };
struct ShownDestination {
  std::string key;
  DestinationState state{};
  std::uint32_t messages = 0;      // that are for it and not finished
  std::uint32_t active = 0;        // under way
  std::uint32_t window = 0;        // how many may be
  std::uint32_t failures = 0;      // connections that failed in a row
  std::uint64_t next_attempt = 0;  // when it waits as a whole, microseconds since 1970
  std::string problem;             // what was heard last, when it does not work
  static auto fields(auto& m) {
    return std::tie(m.key, m.state, m.messages, m.active, m.window, m.failures, m.next_attempt, m.problem);
  }
};
struct DestinationPage {
  std::vector<ShownDestination> destinations;  // by key
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.destinations, m.last); }
};
inline constexpr std::size_t kShownHosts = 20;      // of one RouteExplained
inline constexpr std::size_t kShownAddresses = 10;  // of one host
struct ShownHost {                                  // as the DNS says, whether it is used or not
  std::uint16_t preference = 0;
  std::string name;
  std::vector<std::string> addresses;
  bool secure = false;     // the addresses are validated by DNSSEC
  std::uint32_t tlsa = 0;  // records
  std::string problem;     // of the lookup
  std::string tls;         // what it must prove, or why it is left out
  static auto fields(auto& m) {
    return std::tie(m.preference, m.name, m.addresses, m.secure, m.tlsa, m.problem, m.tls);
  }
};
struct RouteExplained {
  std::string way;      // "by the DNS", "by route .example.org" ...
  std::string key;      // of the destination
  bool secure = false;  // the MX records are validated
  std::vector<ShownHost> hosts;
  std::string sts;                // the MTA-STS policy, in words; empty: none
  std::vector<std::string> hops;  // what would be tried, in this order, with addresses and TLS
  std::string no_way;             // why nothing would be
  bool permanent = false;         // ... and never will
  static auto fields(auto& m) {
    return std::tie(m.way, m.key, m.secure, m.hosts, m.sts, m.hops, m.no_way, m.permanent);
  }
};
using QueuedToTool = std::variant<QueuePage, QueueCount, MessageShown, ContentPiece, QueueChanged,
                                  ToolRefused, DestinationPage, RouteExplained>;

}  // namespace mailroom
