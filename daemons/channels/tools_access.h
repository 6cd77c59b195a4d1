// What mr-access asks of policyd: grants of POP-before-SMTP, limits, and why a message would be taken or not.
// Part of the conversation of daemons/channels/tools_policyd.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "daemons/channels/authd.h"
#include "daemons/channels/types.h"
#include "libcommon/policy/facts.h"
#include "libcommon/policy/limits.h"
#include "libcommon/policy/quirks.h"
#include "libcommon/sys/ip_network.h"

namespace mailroom {

struct GrantPlace {
  IpNetwork network;
  AccountId account = 0;
  static auto fields(auto& m) { return std::tie(m.network, m.account); }
};
struct ListGrants {
  std::optional<GrantPlace> after;
  static auto fields(auto& m) { return std::tie(m.after); }
};
struct RevokeGrants {  // of the account, within the network, or both; at least one is given
  std::string account;
  std::optional<IpNetwork> network;
  static auto fields(auto& m) { return std::tie(m.account, m.network); }
};

struct LimitPlace {
  policy::LimitScope scope = policy::LimitScope::account;
  std::string name;
  static auto fields(auto& m) { return std::tie(m.scope, m.name); }
};
struct ListLimits {
  std::optional<LimitPlace> after;
  static auto fields(auto& m) { return std::tie(m.after); }
};
struct ReleaseLimit {
  LimitPlace place;
  static auto fields(auto& m) { return std::tie(m.place); }
};

struct ExplainMail {
  policy::Stage stage = policy::Stage::recipient;
  Service listener = Service::mx;
  IpAddress client;
  std::string login;  // of the account that is logged in; empty: none
  std::string sender;
  std::string recipient;
  static auto fields(auto& m) {
    return std::tie(m.stage, m.listener, m.client, m.login, m.sender, m.recipient);
  }
};

struct GrantRow {
  GrantPlace place;
  std::string account;
  std::uint64_t since = 0, until = 0;  // seconds since 1970
  static auto fields(auto& m) { return std::tie(m.place, m.account, m.since, m.until); }
};
struct GrantPage {
  std::vector<GrantRow> grants;
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.grants, m.last); }
};
struct GrantsRevoked {  // durable
  std::uint32_t grants = 0;
  static auto fields(auto& m) { return std::tie(m.grants); }
};

// One window that runs.
struct UseRow {
  LimitPlace place;
  policy::LimitPeriod period = policy::LimitPeriod::hour;
  std::uint32_t messages = 0, recipients = 0;
  std::uint32_t message_limit = 0, recipient_limit = 0;  // hard ones; 0: none
  std::uint64_t until = 0;                               // seconds since 1970
  static auto fields(auto& m) {
    return std::tie(m.place, m.period, m.messages, m.recipients, m.message_limit, m.recipient_limit, m.until);
  }
};
struct LimitPage {
  std::vector<UseRow> uses;
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.uses, m.last); }
};

struct ExplainedFact {
  std::string name, value;
  std::string source;  // in words; empty: nothing has set it
  static auto fields(auto& m) { return std::tie(m.name, m.value, m.source); }
};
struct MailExplained {
  bool accepted = false;
  Reply reply;
  std::string rule;
  std::string when;  // the rule in words
  std::vector<ExplainedFact> facts;
  std::string submitter;                      // whose message it would be
  std::vector<std::string> authors;           // sender patterns that From: and Sender: may name; empty: any
  policy::Quirks quirks;                      // what is forgiven the device that asks
  std::optional<LoginRefusal> login_refused;  // with the right password
  static auto fields(auto& m) {
    return std::tie(m.accepted, m.reply, m.rule, m.when, m.facts, m.submitter, m.authors, m.quirks,
                    m.login_refused);
  }
};

}  // namespace mailroom
