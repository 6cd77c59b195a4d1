#include "libcommon/policy/spf/check.h"

#include <algorithm>
#include <utility>

#include "libcommon/dns/limits.h"
#include "libcommon/dns/name.h"
#include "libcommon/policy/spf/macro.h"
#include "libcommon/sys/ip_network.h"
#include "libcommon/text/ascii.h"

namespace mailroom::spf {
namespace {

using dns::Outcome;
using dns::Type;

constexpr unsigned kV4Prefix = 96;  // of an IPv4-mapped address

Result result_of(Qualifier qualifier) {
  switch (qualifier) {
  case Qualifier::pass:
    return Result::pass;
  case Qualifier::fail:
    return Result::fail;
  case Qualifier::softfail:
    return Result::softfail;
  case Qualifier::neutral:
    return Result::neutral;
  }
  return Result::permerror;
}

bool is_within(const IpAddress& client, const IpAddress& address, const Directive& directive) {
  if (client.is_v4() != address.is_v4()) return false;
  const unsigned bits = client.is_v4() ? kV4Prefix + directive.v4_bits : directive.v6_bits;
  return network_of(address, bits).contains(client);
}

bool is_or_is_below(std::string_view name, std::string_view domain) {
  if (name == domain) return true;
  return name.size() > domain.size() && name.ends_with(domain) &&
         name[name.size() - domain.size() - 1] == '.';
}

// Whether the DNS can have it, whether or not it is one that can be asked for here.
bool has_labels(std::string_view name) {
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.' && label == 0) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > dns::kMaxLabel) return false;
  }
  return label > 0;
}

// From the left, by labels (RFC 7208 7.3).
std::string_view shortened(std::string_view name) {
  while (name.size() > dns::kMaxName) {
    const std::size_t dot = name.find('.');
    if (dot == name.npos) break;
    name.remove_prefix(dot + 1);
  }
  return name;
}

bool is_void(const dns::Answer& answer) {
  return answer.outcome == Outcome::no_data || answer.outcome == Outcome::no_domain;
}

}  // namespace

Check::Check(Identity identity) : identity_{std::move(identity)} {
  if (identity_.local.empty()) identity_.local = "postmaster";
  identity_.domain = lower_case(identity_.domain);
  levels_.push_back({identity_.domain, {}});
  fetch_record(identity_.domain);
}

void Check::ask(Purpose purpose, Type type, std::string name) {
  purpose_ = purpose;
  question_ = {type, std::move(name)};
}

void Check::answered(const dns::Answer& answer) {
  if (!question_) return;
  question_.reset();
  switch (purpose_) {
  case Purpose::record:
    got_record(answer);
    break;
  case Purpose::addresses:
    got_addresses(answer);
    break;
  case Purpose::hosts:
    got_hosts(answer);
    break;
  case Purpose::host:
    got_host(answer);
    break;
  case Purpose::existence:
    got_existence(answer);
    break;
  case Purpose::names:
    got_names(answer);
    break;
  case Purpose::name:
    got_name(answer);
    break;
  }
  run();
}

void Check::run() {
  while (!question_ && !result_) step();
}

void Check::step() {
  const Level& level = levels_.back();
  const bool is_over = level.next == level.record.directives.size();
  const bool is_ptr = !is_over && current().mechanism == Mechanism::ptr;
  const std::string& spec = is_over ? level.record.redirect : current().domain;
  if (!names_known_ && (is_ptr || uses_letter(spec, 'p'))) return find_names();
  is_over ? end_of_record() : begin(current());
}

// ---- directives (RFC 7208 5)

void Check::begin(const Directive& directive) {
  switch (directive.mechanism) {
  case Mechanism::all:
    return matched(true);
  case Mechanism::ip4:
  case Mechanism::ip6:
    return matched((directive.mechanism == Mechanism::ip4) == identity_.client.is_v4() &&
                   is_within(identity_.client, directive.address, directive));
  default:
    if (may_look_up()) look_up(directive);
  }
}

void Check::look_up(const Directive& directive) {
  const auto name = target(directive.domain);
  if (result_) return;
  const bool is_include = directive.mechanism == Mechanism::include;
  if (!name) return is_include ? end(Result::permerror) : matched(false);
  switch (directive.mechanism) {
  case Mechanism::include:
    levels_.push_back({*name, {}});
    return fetch_record(*name);
  case Mechanism::a:
    return ask(Purpose::addresses, address_type(), *name);
  case Mechanism::mx:
    return ask(Purpose::hosts, Type::mx, *name);
  case Mechanism::exists:
    return ask(Purpose::existence, Type::a, *name);
  default:
    return matched(is_client_named(*name));
  }
}

// Nothing has matched (RFC 7208 4.7, 6.1).  The next record takes the place of this one.
void Check::end_of_record() {
  const std::string spec = levels_.back().record.redirect;
  if (spec.empty()) return conclude(Result::neutral);
  if (!may_look_up()) return;
  const auto name = target(spec);
  if (result_) return;
  if (!name) return end(Result::permerror);
  levels_.back() = {*name, {}};
  fetch_record(*name);
}

bool Check::may_look_up() {
  if (++terms_ > kMaxTerms) end(Result::permerror);
  return !result_;
}

// ---- records (RFC 7208 4.3 to 4.5)

// Only the first may be missing: who includes another, or leads there, says that it is there.
void Check::fetch_record(const std::string& domain) {
  const bool may_have_one = dns::is_domain_name(domain) && domain.find('.') != domain.npos;
  if (may_have_one) return ask(Purpose::record, Type::txt, domain);
  end(terms_ == 0 ? Result::none : Result::permerror);
}

void Check::got_record(const dns::Answer& answer) {
  if (answer.outcome == Outcome::failed) return end(Result::temperror);
  const auto& texts = answer.texts;
  const auto count = std::ranges::count_if(texts, is_record);
  if (count == 0) return end(terms_ == 0 ? Result::none : Result::permerror);
  if (count > 1) return end(Result::permerror);
  auto record = parse_record(*std::ranges::find_if(texts, is_record));
  if (!record) return end(Result::permerror);
  levels_.back().record = std::move(*record);
}

// ---- what the DNS says

// An error ends the check (RFC 7208 5), and so does too much that is not there (4.6.4).
bool Check::has_failed(const dns::Answer& answer) {
  if (answer.outcome == Outcome::failed) end(Result::temperror);
  if (is_void(answer) && ++voids_ > kMaxVoids) end(Result::permerror);
  return result_.has_value();
}

bool Check::matches_client(const dns::Answer& answer) const {
  return std::ranges::any_of(answer.addresses, [&](const IpAddress& address) {
    return is_within(identity_.client, address, current());
  });
}

void Check::got_addresses(const dns::Answer& answer) {
  if (!has_failed(answer)) matched(matches_client(answer));
}

void Check::got_hosts(const dns::Answer& answer) {
  if (has_failed(answer)) return;
  if (answer.mx.size() > kMaxHosts) return end(Result::permerror);
  hosts_.clear();
  for (const dns::Mx& mx : answer.mx)
    if (!mx.exchange.empty()) hosts_.push_back(mx.exchange);
  std::ranges::reverse(hosts_);
  next_host();
}

void Check::got_host(const dns::Answer& answer) {
  if (has_failed(answer)) return;
  matches_client(answer) ? matched(true) : next_host();
}

void Check::next_host() {
  if (hosts_.empty()) return matched(false);
  ask(Purpose::host, address_type(), std::move(hosts_.back()));
  hosts_.pop_back();
}

void Check::got_existence(const dns::Answer& answer) {
  if (!has_failed(answer)) matched(!answer.addresses.empty());
}

// ---- the names of the client (RFC 7208 5.5)

// Found once for all of a check.  A ptr counts when it is evaluated; a macro here.
void Check::find_names() {
  const Level& level = levels_.back();
  const bool is_over = level.next == level.record.directives.size();
  const bool is_ptr = !is_over && current().mechanism == Mechanism::ptr;
  if (is_ptr || may_look_up()) ask(Purpose::names, Type::ptr, dns::reverse_name(identity_.client));
}

// Who runs the client's zone is not who wrote the record: an error there, or many names, spoil nothing.
void Check::got_names(const dns::Answer& answer) {
  names_known_ = true;
  if (answer.outcome != Outcome::failed && has_failed(answer)) return;
  hosts_ = answer.names;
  if (hosts_.size() > kMaxHosts) hosts_.resize(kMaxHosts);
  std::ranges::reverse(hosts_);
  next_name();
}

// The open name is the last one until its answer has come.
void Check::got_name(const dns::Answer& answer) {
  if (std::ranges::any_of(answer.addresses,
                          [&](const IpAddress& address) { return address.bytes == identity_.client.bytes; }))
    names_.push_back(std::move(hosts_.back()));
  hosts_.pop_back();
  next_name();
}

void Check::next_name() {
  if (!hosts_.empty()) ask(Purpose::name, address_type(), hosts_.back());
}

bool Check::is_client_named(const std::string& domain) const {
  return std::ranges::any_of(names_, [&](const std::string& name) { return is_or_is_below(name, domain); });
}

// RFC 7208 7.3: the domain itself, a name below it, any.
std::string Check::validated_name() const {
  const std::string& domain = levels_.back().domain;
  if (std::ranges::find(names_, domain) != names_.end()) return domain;
  const auto below =
      std::ranges::find_if(names_, [&](const std::string& name) { return is_or_is_below(name, domain); });
  if (below != names_.end()) return *below;
  return names_.empty() ? "unknown" : names_.front();
}

// ---- the names that a record asks for

std::string Check::expanded(const std::string& domain_spec) const {
  const std::string name = validated_name();
  return expand(domain_spec, {.local = identity_.local,
                              .sender_domain = identity_.domain,
                              .domain = levels_.back().domain,
                              .helo = identity_.helo,
                              .validated_name = name,
                              .client = identity_.client});
}

// Nothing for what no name can be: it is not there (RFC 7208 4.8; RFC 8616 4 for octets past ASCII).  A name
// that there may be, and that dnsd does not ask for, ends the check: nothing is known.
std::optional<std::string> Check::target(const std::string& domain_spec) {
  if (domain_spec.empty()) return levels_.back().domain;
  std::string name = lower_case(expanded(domain_spec));
  if (name.ends_with('.')) name.pop_back();
  name = shortened(name);
  if (!has_labels(name) || std::ranges::any_of(name, is_8bit)) return {};
  if (!dns::is_domain_name(name)) end(Result::temperror);
  return name;
}

// ---- results

void Check::matched(bool match) {
  if (match) {
    decided_by(current());
    return conclude(result_of(current().qualifier));
  }
  directive_.clear();
  directive_domain_.clear();
  ++levels_.back().next;
}

void Check::decided_by(const Directive& directive) {
  directive_ = directive.text;
  directive_domain_ = levels_.back().domain;
}

// What the record at the top has come to, and what those that include it make of that (RFC 7208 5.2).
void Check::conclude(Result result) {
  for (;;) {
    if (levels_.size() == 1) return end(result);
    levels_.pop_back();
    if (result != Result::pass) return matched(false);
    decided_by(current());
    result = result_of(current().qualifier);
  }
}

void Check::end(Result result) {
  question_.reset();
  result_ = result;
  const bool is_error = result == Result::temperror || result == Result::permerror;
  if (!is_error) return;
  directive_.clear();
  directive_domain_.clear();
}

}  // namespace mailroom::spf
