#include "daemons/policyd/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "daemons/log.h"
#include "daemons/state_failure.h"
#include "libcommon/text/day.h"
#include "libcommon/text/idna.h"

namespace mailroom::policyd {
namespace {

using policy::Listener;

// Octets of the authors' patterns of one envelope, so that it fits a packet.
constexpr std::size_t kMaxAuthors = 48 * 1024;

std::vector<std::string> bounded(std::vector<std::string> patterns) {
  std::size_t octets = 0, kept = 0;
  while (kept < patterns.size() && (octets += patterns[kept].size() + 4) <= kMaxAuthors) ++kept;
  patterns.resize(kept);
  return patterns;
}

std::string time_text(std::time_t seconds) {
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

// When a moment of the steady clock will be, rounded up to the minute.
std::string time_text(std::chrono::steady_clock::time_point then) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(then - std::chrono::steady_clock::now());
  return time_text(std::time(nullptr) + left.count() + 59);
}

constexpr std::string_view kKinds[] = {"campus", "nat", "cloud"};

// The domain as the DNS knows it; false when it does not.  Address literals, and <postmaster> without a
// domain, stay.
bool in_a_labels(std::string& domain) {
  if (domain.empty() || domain.front() == '[') return true;
  auto name = to_a_labels(domain);
  if (name) domain = std::move(*name);
  return name.has_value();
}

}  // namespace

policy::Listener listener_of(Service service) {
  switch (service) {
  case Service::submission:
    return policy::Listener::submission;
  case Service::outgoing:
    return policy::Listener::outgoing;
  case Service::relay:
    return policy::Listener::relay;
  default:
    return policy::Listener::mx;
  }
}

// What is gathered reads the directory in one state, and says where it found what when somebody wants to
// know.
struct Judge::Case {
  const Question& question;
  const state::View& view;
  Judgement& judgement;
  Sources* sources;
  std::optional<Speaker> login;
  std::vector<Speaker> granted;  // that have read mail from here
  std::optional<policy::Registration> device;

  policy::Facts& facts() { return judgement.facts; }
  template <typename... Arguments>
  void note(std::string_view fact, fmt::format_string<Arguments...> words, Arguments&&... arguments) const {
    if (sources != nullptr)
      sources->push_back({fact, fmt::format(words, std::forward<Arguments>(arguments)...)});
  }
};

Judge::Judge(state::Directory& directory, const Config& config, GrantDesk& grants, policy::LimitBook& limits)
    : directory_{directory}, grants_{grants}, limits_{limits}, site_{config} {
  reconfigured(config);
}

void Judge::reconfigured(const Config& config) {
  site_ = Site{config};
  networks_ = config.networks;
  help_ = config.policyd.help_desk;
  max_recipients_ = config.smtpd.max_recipients;
  guard_own_domains_ = config.policyd.guard_own_domains;
  personal_senders_ = config.policyd.relay_personal_senders;
  reviews_enforced_ = config.policyd.device_review_enforced;
}

Judgement Judge::judge(const Question& question, Sources* sources) {
  Judgement judgement;
  policy::Facts& facts = judgement.facts;
  facts.stage = question.stage;
  facts.listener = question.listener;
  facts.unknown_recipients = question.unknown_recipients;
  facts.recipients = question.recipients;
  facts.max_recipients = max_recipients_;
  facts.guards_own_domains = guard_own_domains_;
  facts.words.help = help_;
  try {
    const state::View view = directory_.view();
    Case c{question, view, judgement, sources, {}, {}, {}};
    gather_network(c);
    gather_login(c);
    gather_grant(c);
    gather_device(c);
    gather_sender(c);
    if (question.stage == policy::Stage::recipient) {
      gather_recipient(c);
      gather_limit(c);
    }
  } catch (const std::exception& error) {
    on_state_failure(error);
    facts.directory = policy::Directory::failed;
  }
  judgement.verdict = policy::decide(facts);
  return judgement;
}

policy::Quirks Judge::device_quirks(const Question& question) try {
  Judgement judgement;
  const state::View view = directory_.view();
  Case c{question, view, judgement, nullptr, {}, {}, {}};
  gather_network(c);
  gather_device(c);
  return c.device && judgement.facts.device == policy::Device::active ? c.device->quirks : policy::Quirks{};
} catch (const std::exception& error) {
  on_state_failure(error);
  return {};
}

// ---- the client

void Judge::gather_network(Case& c) const {
  bool* const facts[] = {&c.facts().on_campus, &c.facts().behind_nat, &c.facts().in_cloud};
  for (const NetworkConfig& network : networks_) {
    const auto kind = static_cast<std::size_t>(network.kind);
    if (!network.prefix.contains(c.question.client)) continue;
    *facts[kind] = true;
    c.note(kKinds[kind], "network {} {}", kKinds[kind], network.prefix.text());
  }
}

Judge::Speaker Judge::speaker(const state::View& view, state::Account account) const {
  Speaker speaker{std::move(account), {}, {}};
  speaker.permissions = view.permissions(speaker.account.id);
  speaker.patterns = site_.patterns_of(view, speaker.account);
  speaker.patterns.insert(speaker.patterns.end(), speaker.permissions.send_as.begin(),
                          speaker.permissions.send_as.end());
  return speaker;
}

void Judge::gather_login(Case& c) const {
  auto account = c.question.login ? c.view.account(*c.question.login) : std::nullopt;
  if (!account) return c.note("login", "nobody has logged in");
  const bool may_submit = (account->services & state::kSubmission) != 0;
  c.facts().login = account->disabled ? policy::Login::disabled
                    : may_submit      ? policy::Login::active
                                      : policy::Login::service_off;
  c.note("login", "account {} (id {}), services {}", account->name, account->id,
         state::service_words(account->services));
  c.login = speaker(c.view, std::move(*account));
  c.facts().words.own_address = site_.shown_address(c.login->patterns);
}

void Judge::gather_grant(Case& c) {
  const GrantDesk::Place place = grants_.place(c.question.client);
  if (c.question.listener != Listener::outgoing || place == GrantDesk::Place::off)
    return c.note("grant", "{}",
                  place == GrantDesk::Place::off ? "policyd.pop-before-smtp is 0s" : "only at smtp outgoing");
  c.facts().grant = place == GrantDesk::Place::behind_nat ? policy::Grant::behind_nat : policy::Grant::none;
  if (place == GrantDesk::Place::behind_nat)
    return c.note("grant", "a nat network, and no policyd.pop-before-smtp-nat");
  for (const GrantDesk::Held& held : grants_.held_at(c.question.client)) {
    auto account = c.view.account(held.account);
    if (!account || account->disabled || (account->services & state::kSubmission) == 0) continue;
    c.note("grant", "account {} read mail from there at {}, good until {}", account->name,
           time_text(static_cast<std::time_t>(held.since)),
           time_text(static_cast<std::time_t>(grants_.ends(held.since))));
    c.granted.push_back(speaker(c.view, std::move(*account)));
    c.facts().grant = policy::Grant::held;
  }
  if (c.granted.empty()) c.note("grant", "no account that may send has read mail from there lately");
}

// By what it has proved; else by its confirmed names, where those count.  Of several devices with one address
// an active one.
std::optional<policy::Registration> Judge::device_of(const Case& c) const {
  const Question& question = c.question;
  if (!question.principal.empty()) {
    c.note("device-login", "principal {}", question.principal);
    return c.view.device_of_principal(question.principal);
  }
  const policy::Facts& facts = c.judgement.facts;
  if (facts.behind_nat || facts.in_cloud) {
    c.note("device", "by its name no device is known in a nat or cloud network");
    return std::nullopt;
  }
  std::optional<policy::Registration> found;
  for (const std::string& name : question.reverse_name.names) {
    auto device = c.view.device_of_host(name);
    if (!device || (found && device->state != policy::DeviceState::active)) continue;
    c.note("device", "by the name {}", name);
    found = std::move(device);
    if (found->state == policy::DeviceState::active) break;
  }
  return found;
}

policy::Device Judge::fact_of(const Case& c, const policy::Registration& device) const {
  using policy::Device;
  constexpr Device kFacts[] = {Device::waiting, Device::active, Device::suspended, Device::removed};
  const Device state = kFacts[static_cast<std::size_t>(device.state)];
  if (state != Device::active) return state;
  const auto holds_client = [&](const IpNetwork& network) { return network.contains(c.question.client); };
  if (!device.networks.empty() && std::ranges::none_of(device.networks, holds_client))
    return Device::out_of_place;
  const auto now = static_cast<std::uint64_t>(std::time(nullptr));
  return reviews_enforced_ && policy::review_has_passed(device, now) ? Device::review_due : Device::active;
}

void Judge::gather_device(Case& c) const {
  if (c.question.listener != Listener::relay) return;
  c.facts().reverse_name = c.question.reverse_name.outcome;
  c.note("reverse-name", "{}", policy::words_of(c.question.reverse_name));
  c.facts().device_logged_in = !c.question.principal.empty();
  c.device = device_of(c);
  if (!c.device) {
    // Its name may be one of those that the DNS does not tell now.
    if (c.question.reverse_name.incomplete) c.facts().reverse_name = policy::ReverseName::unknown;
    return c.note("device", "no device is registered with that");
  }
  const policy::Registration& device = *c.device;
  c.judgement.speaker = device.name;
  c.facts().device = fact_of(c, device);
  c.facts().words.own_address = device.from.front();
  c.note("device", "device {}: {}, sends as {}", device.name, policy::state_word(device.state),
         fmt::join(device.from, " "));
  if (device.review != 0) c.note("device", "to be reviewed by {}", day_text(device.review));
  if (c.facts().device != policy::Device::active) return;
  c.judgement.device = c.judgement.submitter = device.name;
  c.judgement.authors = bounded(device.from);
  c.judgement.counted = {policy::LimitScope::device, device.name};
  c.judgement.own_limits = device.limits;
}

// ---- the sender

bool Judge::may_send_as(const Case& c, const Speaker& speaker, const policy::Address& sender,
                        const Found& owners) const {
  const bool is_owner = std::ranges::find(owners.accounts, speaker.account.id) != owners.accounts.end();
  const auto matching = std::ranges::find_if(speaker.permissions.send_as, [&](const std::string& pattern) {
    return site_.matches(sender, pattern);
  });
  const bool is_given = matching != speaker.permissions.send_as.end();
  if (is_owner) c.note("sender", "an address of account {}", speaker.account.name);
  if (!is_owner && is_given) c.note("sender", "account {} may send as {}", speaker.account.name, *matching);
  return is_owner || is_given;
}

// From here on the message is these accounts'.
void Judge::speak_as(Case& c, std::vector<const Speaker*> speakers) const {
  if (speakers.empty()) return;
  const Speaker& first = *speakers.front();
  c.judgement.submitter = c.judgement.speaker = first.account.name;
  c.judgement.counted = {policy::LimitScope::account, first.account.name};
  for (const Speaker* speaker : speakers)
    c.judgement.authors.insert(c.judgement.authors.end(), speaker->patterns.begin(), speaker->patterns.end());
  c.judgement.authors = bounded(std::move(c.judgement.authors));
}

std::string Judge::words_of(const state::View& view, const Found& found) const {
  std::string words;
  for (const AccountId id : found.accounts) {
    if (words.size() > 200) return words + ", ...";
    const auto account = view.account(id);
    words += fmt::format("{}{}", words.empty() ? "" : ", ", account ? account->name : "?");
  }
  return words;
}

void Judge::gather_sender(Case& c) const {
  using policy::Sender;
  Sender& fact = c.facts().sender;
  const auto sender = policy::parse_address(c.question.reverse_path);
  const bool is_null = c.question.reverse_path.empty();
  const bool is_address = sender && !sender->domain.empty();
  fact = is_null ? Sender::null : is_address ? Sender::foreign : Sender::malformed;
  const Found owners = is_address ? site_.look_up(c.view, *sender) : Found{policy::Recipient::malformed, {}};

  const bool logged_in =
      c.login && c.facts().login == policy::Login::active && c.question.listener != Listener::mx;
  const bool by_grant = !c.login && !c.facts().on_campus;
  std::vector<const Speaker*> speakers;
  const auto consider = [&](const Speaker& speaker) {
    if (is_null || (is_address && may_send_as(c, speaker, *sender, owners))) speakers.push_back(&speaker);
    if (!speakers.empty() && is_address) fact = Sender::own;
  };
  if (logged_in) {
    consider(*c.login);
    if (speakers.empty()) speakers.push_back(&*c.login);  // refused, and counted as it
  } else if (by_grant) {
    for (const Speaker& speaker : c.granted) consider(speaker);
  }
  speak_as(c, speakers);
  if (fact == Sender::own || !is_address) return;
  fact = kind_of_sender(c, *sender, owners);
}

// Of an address that no account here speaks as.
policy::Sender Judge::kind_of_sender(const Case& c, const policy::Address& sender,
                                     const Found& owners) const {
  using policy::Sender;
  const auto may = [&](const std::string& pattern) { return site_.matches(sender, pattern); };
  const bool is_registered = c.device && std::ranges::any_of(c.device->from, may);
  if (is_registered) c.note("sender", "device {} is registered with it", c.device->name);
  switch (owners.kind) {
  case policy::Recipient::foreign:
    c.note("sender", "none of our domains");
    return is_registered ? Sender::own : Sender::foreign;
  case policy::Recipient::relayed:
    c.note("sender", "relay-domain {}", sender.domain);
    return is_registered ? Sender::own : Sender::relayed;
  case policy::Recipient::local: {
    c.note("sender", "an address of {}", words_of(c.view, owners));
    const bool is_one_person =
        owners.accounts.size() == 1 && !c.view.permissions(owners.accounts.front()).functional;
    const bool is_active = c.judgement.facts.device == policy::Device::active;
    const bool may_be_person =
        personal_senders_ || (is_registered && is_active && c.device->personal_senders);
    if (is_one_person && !may_be_person) return Sender::personal;
    return is_registered ? Sender::own : Sender::functional;
  }
  default:
    c.note("sender", "nobody has it at our domain {}", sender.domain);
    return Sender::unknown;
  }
}

// ---- the recipient

void Judge::gather_recipient(Case& c) const {
  auto recipient = policy::parse_address(c.question.forward_path);
  if (!recipient) return c.note("recipient", "not one address");
  if (!in_a_labels(recipient->domain)) {
    c.facts().recipient = policy::Recipient::no_domain;
    return c.note("recipient", "the domain has no form in A-labels");
  }
  Found found = site_.look_up(c.view, *recipient);
  c.facts().recipient = found.kind;
  switch (found.kind) {
  case policy::Recipient::local:
    c.note("recipient", "leads to {}", words_of(c.view, found));
    break;
  case policy::Recipient::relayed:
    c.note("recipient", "relay-domain {}", recipient->domain);
    break;
  case policy::Recipient::foreign:
    c.note("recipient", "{} is none of our domains", recipient->domain);
    break;
  default:
    c.note("recipient", "at our domain {}", recipient->domain);
  }
  const bool is_remote = found.kind == policy::Recipient::foreign || found.kind == policy::Recipient::relayed;
  if (is_remote) c.judgement.domain = recipient->domain;
  c.judgement.targets = std::move(found.accounts);
}

// ---- how much

void Judge::gather_limit(Case& c) const {
  auto& counted = c.judgement.counted;
  const bool by_address = c.question.listener == Listener::outgoing || c.question.listener == Listener::relay;
  if (!counted && by_address)
    counted = {c.facts().behind_nat ? policy::LimitScope::nat : policy::LimitScope::address,
               c.question.client.host_for_limits().text()};
  if (!counted) return c.note("limit", "not counted at this listener");
  const unsigned new_messages = c.question.recipients == 0 ? 1 : 0;
  const auto reached =
      limits_.reached(*counted, new_messages, std::chrono::steady_clock::now(), c.judgement.own_limits);
  c.note("limit", "counted for {} {}", policy::scope_word(counted->scope), counted->name);
  if (!reached) return;
  c.facts().limit =
      reached->unit == policy::LimitUnit::messages ? policy::Limit::messages : policy::Limit::recipients;
  c.facts().words.until = time_text(reached->until);
}

}  // namespace mailroom::policyd
