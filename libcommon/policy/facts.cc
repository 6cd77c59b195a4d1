#include "libcommon/policy/facts.h"

#include <array>

namespace mailroom::policy {
namespace {

template <typename E>
constexpr std::size_t kCount = static_cast<std::size_t>(E::kLast) + 1;

constexpr std::array<std::string_view, kCount<Stage>> kStages{"sender", "recipient"};
constexpr std::array<std::string_view, kCount<Listener>> kListeners{"mx", "submission", "outgoing", "relay"};
constexpr std::array<std::string_view, kCount<Directory>> kDirectories{"readable", "failed"};
constexpr std::array<std::string_view, kCount<Login>> kLogins{"none", "active", "service-off", "disabled"};
constexpr std::array<std::string_view, kCount<Grant>> kGrants{"off", "none", "held", "behind-nat"};
constexpr std::array<std::string_view, kCount<ReverseName>> kReverseNames{"confirmed", "absent", "unresolved",
                                                                          "elsewhere", "unknown"};
constexpr std::array<std::string_view, kCount<Device>> kDevices{
    "none", "waiting", "active", "suspended", "removed", "out-of-place", "review-due"};
constexpr std::array<std::string_view, kCount<Sender>> kSenders{
    "malformed", "null", "own", "personal", "functional", "relayed", "unknown", "foreign"};
constexpr std::array<std::string_view, kCount<Recipient>> kRecipients{
    "malformed", "routed", "foreign", "unknown", "no-postmaster", "local", "relayed", "no-domain"};
constexpr std::array<std::string_view, kCount<Limit>> kLimits{"none", "messages", "recipients"};

template <typename E>
FactWord word(std::string_view name, const std::array<std::string_view, kCount<E>>& words, E value, E usual) {
  return {name, words[static_cast<std::size_t>(value)], value == usual};
}

FactWord word(std::string_view name, bool value) { return {name, value ? "yes" : "no", !value}; }

}  // namespace

std::vector<FactWord> words_of(const Facts& f) {
  const Facts usual;
  return {
      word("stage", kStages, f.stage, usual.stage),
      word("listener", kListeners, f.listener, usual.listener),
      word("directory", kDirectories, f.directory, usual.directory),
      word("campus", f.on_campus),
      word("nat", f.behind_nat),
      word("cloud", f.in_cloud),
      word("login", kLogins, f.login, usual.login),
      word("grant", kGrants, f.grant, usual.grant),
      word("reverse-name", kReverseNames, f.reverse_name, usual.reverse_name),
      word("device", kDevices, f.device, usual.device),
      word("device-login", f.device_logged_in),
      word("sender", kSenders, f.sender, usual.sender),
      word("guards-own-domains", f.guards_own_domains),
      word("recipient", kRecipients, f.recipient, usual.recipient),
      word("limit", kLimits, f.limit, usual.limit),
  };
}

std::string summary(const Facts& facts) {
  std::string text;
  for (const FactWord& fact : words_of(facts)) {
    const bool always = fact.name == "listener" || fact.name == "sender" || fact.name == "recipient";
    if (fact.usual && !always) continue;
    if (!text.empty()) text += ',';
    text.append(fact.name).append("=").append(fact.value);
  }
  return text;
}

}  // namespace mailroom::policy
