// A policyd with everybody around it.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "daemons/channels/dnsd.h"
#include "daemons/policyd/server.h"
#include "tests/unit/daemon_host.h"

namespace mailroom::test {

using Listener = FarEnd<ListenerToPolicyd, PolicydToListener>;
using SmtpChild = FarEnd<ConnectionToPolicyd, PolicydToConnection>;
using Authd = FarEnd<AuthdToPolicyd, PolicydToAuthd>;
using Queued = FarEnd<QueuedToPolicyd, PolicydToQueued>;
using Dnsd = FarEnd<DnsdToAsker, AskerToDnsd>;
using Tool = FarEnd<ToolToPolicyd, PolicydToTool>;

inline CheckRecipient question(TransactionId transaction, const std::string& from, const std::string& to) {
  return {.transaction = transaction,
          .helo = "client",
          .reverse_path = from,
          .mail = {},
          .forward_path = to,
          .recipient = {}};
}

// The forms of a recipient by which strangers have relayed elsewhere (SECURITY.md V17).
inline std::vector<std::string> relay_forms() {
  return {"v%evil.org@example.org",
          "@example.org:v@evil.org",
          "@example.org,@b:v@evil.org",
          "\"v@evil.org\"@example.org",
          "evil.org!v@example.org",
          "v@evil.org@example.org",
          "\"v\"@evil.org",
          "v@evil.org.",
          "v@[192.0.2.1]",
          "v@[127.0.0.1]",
          "v@[IPv6:::1]",
          std::string("v@EVIL.org\0@example.org", 23),
          "v@evil.org",
          " v@evil.org",
          "alice@example.org,w@evil.org",
          "postmaster%evil.org",
          "v@xn--e1awd7f.org",
          "alice@example.org> <w@evil.org"};
}

class Policyd : public DaemonHost {
 public:
  explicit Policyd(policyd::Times times = {}) : times_{times} {
    supervisor = [this](const ProcessToSupervisor& message) {
      const auto* make = std::get_if<MakeAccountDirectories>(&message);
      if (make == nullptr) return;
      server->on_supervisor(directories_can_be_made ? AccountDirectoriesMade{make->accounts, {}}
                                                    : AccountDirectoriesMade{{}, make->accounts});
    };
    start();
  }

  // As after the process was started afresh.
  void start() {
    server.reset();
    server = std::make_unique<policyd::Server>(host, times_);
    server->start();
    mx = attach<Listener>("mx-policyd", "smtpd-mx#1");
    submission = attach<Listener>("submission-policyd", "smtpd-submission#1");
    outgoing = attach<Listener>("outgoing-policyd", "smtpd-outgoing#1");
    relay = attach<Listener>("relay-policyd", "smtpd-relay#1");
    pop = attach<Listener>("pop3d-policyd", "pop3d#1");
    imap = attach<Listener>("imapd-policyd", "imapd#1");
    authd = attach<Authd>("authd-policyd", "authd#1");
    queued = attach<Queued>("policyd-queued", "queued#1");
    dnsd = attach<Dnsd>("policyd-dnsd", "dnsd#1");
    auto [ours, theirs] = ipc::make_channel();
    server->add_tool(std::move(ours));
    tool = Tool{std::move(theirs)};
  }

  template <typename End>
  End attach(const std::string& kind, const std::string& peer) {
    auto [ours, theirs] = ipc::make_channel();
    server->attach(kind, peer, std::move(ours));
    return End{std::move(theirs)};
  }

  SmtpChild open_smtp(Listener& listener, ConnectionId id, Service service, const char* peer = "192.0.2.1") {
    auto [ours, theirs] = ipc::make_channel();
    listener.send(ConnectionOpened{id, service, address(peer)}, std::move(ours));
    return SmtpChild{std::move(theirs)};
  }
  static IpAddress address(const char* text) { return parse_ip_network(text)->base; }

  // A whole login of POP from there.
  void read_mail(ConnectionId id, const std::string& name, const char* peer) {
    pop.send(ConnectionOpened{id, Service::pop3, address(peer)});
    pump();
    authd.send(NameProved{id, name});
    pump();
    REQUIRE(pop.next_as<StartSession>());
    pop.send(VerdictTaken{id});
    pump();
    REQUIRE(authd.next_as<Admitted>());
  }

  // What the rule is for a client of `listener` that has said nothing before.
  std::string rule_for(Listener& listener, Service service, const char* peer, const std::string& from,
                       const std::string& to) {
    last_envelope.reset();
    auto child = open_smtp(listener, ++last_connection_, service, peer);
    return check(child, question(1, from, to)).rule;
  }

  template <typename Answer = Done>
  Answer ask(const ToolToPolicyd& request) {
    tool.send(request);
    pump();
    auto answer = tool.next_as<Answer>();
    REQUIRE(answer);
    return std::move(*answer);
  }
  AccountId add(const std::string& name, std::uint8_t services = state::kUsualServices) {
    const auto added = ask<AccountsAdded>(AddAccounts{{{name, services, true}}});
    REQUIRE(added.results.size() == 1);
    REQUIRE(added.results[0].problem == "");
    return added.results[0].account;
  }

  // The DNS knows nothing.
  void fail_lookups() {
    while (const auto asked = dnsd.next_as<LookUp>()) dnsd.send(LookedUp{asked->question, {}});
    pump();
  }

  // The answer to a question of a connection, with queued saying yes, and without the DNS.
  mailroom::Verdict check(SmtpChild& child, const CheckRecipient& question) {
    child.send(question);
    pump();
    fail_lookups();
    while (auto message = queued.next()) {
      const auto* envelope = std::get_if<AuthoriseRecipient>(&*message);
      if (envelope == nullptr) continue;
      last_envelope = *envelope;
      queued.send(Authorised{envelope->connection, envelope->transaction, 77, {}});
      pump();
    }
    auto verdict = child.next_as<mailroom::Verdict>();
    REQUIRE(verdict);
    return *verdict;
  }

  void prove_submission(ConnectionId id, const std::string& name) {
    authd.send(NameProved{id, name});
    pump();
    REQUIRE(authd.next_as<Admitted>());
  }

  bool logged(const std::string& words) {
    pump();
    return log().find(words) != std::string::npos;
  }

  std::unique_ptr<policyd::Server> server;
  bool directories_can_be_made = true;
  Listener mx, submission, outgoing, relay, pop, imap;
  Authd authd;
  Queued queued;
  Dnsd dnsd;
  Tool tool;
  std::optional<AuthoriseRecipient> last_envelope;

 private:
  ConnectionId last_connection_ = 1'000;
  policyd::Times times_;
};

}  // namespace mailroom::test
