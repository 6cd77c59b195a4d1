// authd and policyd: who someone is, and what they may do.
#include <fmt/format.h>

#include <algorithm>

#include "daemons/config/tables.h"
#include "libcommon/text/ascii.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kGiB = 1024 * kMiB;
constexpr auto kTenYears = std::chrono::hours{10 * 365 * 24};

// One of the characters that a local part may hold and that is no letter, digit or dot (RFC 5322 3.2.3
// atext).
Parsed<std::string> parse_delimiter(std::string_view text) {
  static constexpr std::string_view kDelimiters = "+-_=#~^";
  if (text.empty() || (text.size() == 1 && kDelimiters.find(text[0]) != kDelimiters.npos))
    return std::string{text};
  return std::unexpected(fmt::format("takes one of {} or \"\"", kDelimiters));
}

Parsed<std::string> parse_account_name(std::string_view text) {
  static constexpr std::size_t kMaxLocalPart = 64;  // RFC 5321 4.5.3.1.1
  bool good = !text.empty() && text.size() <= kMaxLocalPart;
  for (const char c : text)
    good = good && (is_alnum(c) || std::string_view{"/@.+-_"}.find(c) != std::string_view::npos);
  if (!good) return std::unexpected(fmt::format("\"{}\" is not the name of an account", text));
  return lower_case(text);
}

Parsed<std::string> parse_help(std::string_view text) {
  static constexpr std::size_t kMaxHelp = 80;  // so that it fits a reply line
  bool good = !text.empty() && text.size() <= kMaxHelp;
  for (const char c : text) good = good && c >= ' ' && c <= '~' && c != '$';
  if (!good) return std::unexpected(fmt::format("takes up to {} printable characters, without $", kMaxHelp));
  return std::string{text};
}

using A = AuthdConfig;
constexpr Key<A> kAuthdKeys[] = {
    {"failure-delay", Time<A>{&A::failure_delay, 0s, 30s}, Reload::at_once,
     "Waiting time before a login is refused."},
    {"max-failure-delay", Time<A>{&A::max_failure_delay, 0s, 2min}, Reload::at_once,
     "The delay grows up to this for an account with many failures."},
    {"failure-window", Time<A>{&A::failure_window, 1min, 24h}, Reload::at_once, "How long a failure counts."},
    {"account-failures", Number<A>{&A::account_failures, 1, 100'000}, Reload::at_once,
     "Failures of one account within the window after which every answer for it is delayed, right or wrong."},
    {"address-failures", Number<A>{&A::address_failures, 1, 100'000}, Reload::at_once,
     "Failures from one client address within the window after which logins from it are refused; IPv6 "
     "addresses count by their /64. Those of one name count at most account-failures times, so that one "
     "program with a wrong password shuts out nobody else; a nat network is never shut out."},
    {"yescrypt-cost", Number<A>{&A::yescrypt_cost, 1, 11}, Reload::restart,
     "Cost of the hash of new passwords, as in crypt(5); one more doubles time and memory of a login."},
    {"hash-threads", Number<A>{&A::hash_threads, 1, 64}, Reload::restart,
     "Passwords checked at the same time."},
    {"max-waiting", Number<A>{&A::max_waiting, 10, 100'000}, Reload::at_once,
     "Logins that wait for their turn; more are told to come back later."},
    {"min-password-length", Number<A>{&A::min_password_length, 1, 128}, Reload::at_once,
     "Characters that a new password must have."},
    {"password-max-age", Time<A>{&A::password_max_age, 0s, kTenYears}, Reload::at_once,
     "How long after it was set a password that is kept here is good; 0s for ever.  Then a login with it is "
     "refused, in words that tell the user to change it; but not at smtp relay, where devices log in, which "
     "have a review date instead."},
    {"password-warning", Time<A>{&A::password_warning, 0s, kTenYears}, Reload::at_once,
     "How long before that logins are answered with a warning."},
    {"scram", Flag<A>{&A::scram}, Reload::restart,
     "Whether SCRAM (RFC 5802, RFC 7677) is offered, by which a password is proved without being sent.  "
     "Beside the hash of a password authd keeps verifiers for it, which are cheaper to guess against than "
     "yescrypt for whoever steals them."},
};

using P = PolicydConfig;

constexpr std::string_view kSuspensions[] = {"off", "dry-run", "on"};

Result set_suspension(P& config, Values values) {
  const auto* word = values.size() == 1 ? std::ranges::find(kSuspensions, values[0]) : std::end(kSuspensions);
  if (word == std::end(kSuspensions)) return std::unexpected("takes off, dry-run or on");
  config.device_suspension = static_cast<DeviceSuspension>(word - kSuspensions);
  return {};
}

std::vector<std::string> show_suspension(const P& config) {
  return {std::string{kSuspensions[static_cast<std::size_t>(config.device_suspension)]}};
}

constexpr Key<P> kPolicydKeys[] = {
    {"recipient-delimiter", Text<P>{&P::recipient_delimiter, "CHARACTER", parse_delimiter}, Reload::at_once,
     "With +, mail for user+anything@ goes to user; \"\" switches this off."},
    {"postmaster", Text<P>{&P::postmaster, "ACCOUNT", parse_account_name}, Reload::at_once,
     "The account that gets the mail for postmaster at every local domain (RFC 5321 4.5.1), unless an "
     "account or alias "
     "of that name exists."},
    {"help-desk", Text<P>{&P::help_desk, "TEXT", parse_help}, Reload::at_once,
     "Whom refusals tell people to ask, as it stands after \"please ask\": \"the help desk, 555-0100\"."},
    {"pop-before-smtp", Time<P>{&P::pop_before_smtp, 0s, 24h}, Reload::at_once,
     "How long an address may send through smtp outgoing after an account has read mail from it by POP or "
     "IMAP, as that account; 0s for never."},
    {"pop-before-smtp-nat", Flag<P>{&P::pop_before_smtp_nat}, Reload::at_once,
     "Whether that counts in nat networks too, where strangers share the address."},
    {"pop-before-smtp-ipv6-prefix", Number<P>{&P::pop_before_smtp_ipv6_prefix, 48, 128}, Reload::at_once,
     "How many bits of an IPv6 address must be the same as when mail was read."},
    {"guard-own-domains", Flag<P>{&P::guard_own_domains}, Reload::at_once,
     "Whether senders at local and relay domains are refused from outside without a login. Mail that users "
     "forward back here, and lists that keep the sender, are refused too then."},
    {"relay-personal-senders", Flag<P>{&P::relay_personal_senders}, Reload::at_once,
     "Whether devices may send as addresses that lead to one person."},
    {"device-suspension", Custom<P>{"off | dry-run | on", Occurs::once, set_suspension, show_suspension},
     Reload::at_once,
     "What becomes of a device when reports to its sender address cannot be delivered, since there is no "
     "such "
     "address: on suspends it and tells its contacts, dry-run only logs that it would, off does not count."},
    {"device-refused-reports", Number<P>{&P::device_refused_reports, 1, 1'000}, Reload::at_once,
     "How many such reports it takes."},
    {"device-report-window", Time<P>{&P::device_report_window, 1min, 24h * 365}, Reload::at_once,
     "Within which time."},
    {"device-old-tls", Flag<P>{&P::device_old_tls}, Reload::restart,
     "Whether devices that are registered with tls-min or old-ciphers get that at smtp relay ports which do "
     "not offer it to everybody. keyd signs what TLS 1.0 and 1.1 need then."},
    {"device-review-enforced", Flag<P>{&P::device_review_enforced}, Reload::at_once,
     "Whether a device whose review date has passed may send to our own domains only, until the date is set "
     "anew. Without it the date is only reported, once a day."},
    {"state-map-size", Size<P>{&P::state_map_size, 16 * kMiB, 1024 * kGiB}, Reload::restart,
     "How large the shared state may grow; the file is sparse."},
    {"tls-reports", Flag<P>{&P::tls_reports}, Reload::at_once,
     "Whether results of TLS are counted, and reported once a day to the domains that ask for it (RFC "
     "8460)."},
};

}  // namespace

std::span<const Key<AuthdConfig>> authd_keys() { return kAuthdKeys; }
std::span<const Key<PolicydConfig>> policyd_keys() { return kPolicydKeys; }

}  // namespace mailroom::config
