#include "daemons/policyd/report_desk.h"

#include <algorithm>

#include "daemons/log.h"
#include "daemons/policyd/own_mail.h"
#include "daemons/policyd/state_change.h"
#include "libcommon/protocol/rfc5322/date_time.h"
#include "libcommon/routing/sts_policy.h"

namespace mailroom::policyd {
namespace {

using tlsrpt::PolicyType;
using tlsrpt::Tally;

constexpr std::chrono::seconds kInterval{3'600};
// After a start; the times between looks double then up to the interval, since other processes may come
// later. So a system that is often started reports too.
constexpr std::chrono::seconds kFirst{3};
constexpr std::uint64_t kDaySeconds = 24 * 3600;
constexpr std::string_view kModes[] = {"none", "testing", "enforce"};

PolicyType type_of(routing::TlsReason reason) {
  if (reason == routing::TlsReason::dane) return PolicyType::tlsa;
  return reason == routing::TlsReason::mta_sts ? PolicyType::sts : PolicyType::none;
}

// In testing a host beyond the policy is used, and reported (RFC 8461 5).
bool is_beyond(const state::StsRecord* policy, const std::string& mx) {
  return policy != nullptr && policy->mode != routing::StsMode::none && !mx.empty() &&
         std::ranges::none_of(policy->mx, [&](const std::string& pattern) {
           return routing::sts_pattern_matches(pattern, mx);
         });
}

// `problem`: why it is not sent; empty: it is.
void log_sending(const std::string& domain, const std::string& recipient, const std::string& problem) {
  log::write("tls-report", {{"domain", domain},
                            {"recipient", recipient},
                            {"sent", problem.empty() ? "yes" : "no"},
                            {"reason", problem}});
}

}  // namespace

ReportDesk::ReportDesk(event::Loop& loop, state::Directory& directory, const Config& config,
                       const StsDesk& sts, LookUpTexts look_up, Send send, Post post, StsDesk::Now now)
    : directory_{directory}, config_{config}, sts_{sts}, look_up_{std::move(look_up)}, send_{std::move(send)},
      post_{std::move(post)}, now_{std::move(now)}, until_next_{kFirst}, look_{loop, [this] {
                                                                                 send_due();
                                                                                 until_next_ =
                                                                                     std::min(2 * until_next_,
                                                                                              kInterval);
                                                                                 look_.start(until_next_);
                                                                               }} {
  for (auto& [day, domain, tallies] : directory_.view().tls_results())
    results_[{day, domain}] = std::move(tallies);
  for (auto& [day, domain, destinations] : directory_.view().tls_reached())
    reached_[{day, domain}] = std::move(destinations);
  look_.start(until_next_);
}

ReportDesk::Day ReportDesk::today() const { return static_cast<Day>(now_() / kDaySeconds); }

// ---- counting

void ReportDesk::describe_sts(const std::string& domain, Tally& tally) const {
  const state::StsRecord* const policy = sts_.kept(domain);
  if (policy == nullptr) return;
  tally.mx = policy->mx;
  tally.policy = {"version: STSv1", "mode: " + std::string{kModes[static_cast<unsigned>(policy->mode)]}};
  for (const std::string& pattern : policy->mx) tally.policy.push_back("mx: " + pattern);
  tally.policy.push_back("max_age: " + std::to_string(policy->max_age));
  tally.policy.resize(std::min(tally.policy.size(), tlsrpt::kMaxPolicyLines));
}

Tally* ReportDesk::tally(const std::string& domain, PolicyType type) {
  const Key key{today(), domain};
  if (!results_.contains(key) && results_.size() >= kMaxReportedDomains) return nullptr;
  std::vector<Tally>& tallies = results_[key];
  const auto known = std::ranges::find(tallies, type, &Tally::type);
  if (known != tallies.end()) return &*known;
  tallies.push_back({.type = type, .policy = {}, .mx = {}, .failures = {}});
  if (type == PolicyType::sts) describe_sts(domain, tallies.back());
  return &tallies.back();
}

void ReportDesk::count(const TlsOutcome& outcome) {
  const PolicyType type = type_of(outcome.reason);
  Tally* const day = tally(outcome.domain, type);
  if (day == nullptr) return;
  if (type == PolicyType::tlsa && day->policy.empty()) {
    day->policy = outcome.policy;
    day->policy.resize(std::min(day->policy.size(), tlsrpt::kMaxPolicyLines));
  }
  tlsrpt::Failure failure{outcome.result, outcome.mx, outcome.ip, outcome.detail, 1};
  if (failure.result.empty() && type == PolicyType::sts && is_beyond(sts_.kept(outcome.domain), outcome.mx)) {
    failure.result = "validation-failure";
    failure.detail = "not among the hosts of the MTA-STS policy";
  }
  failure.result.empty() ? day->add_success() : day->add_failure(std::move(failure));
}

void ReportDesk::count(const TlsOutcomes& outcomes) {
  if (!config_.policyd.tls_reports) return;
  std::set<std::string> domains;
  for (const TlsOutcome& outcome : outcomes.outcomes) {
    count(outcome);
    domains.insert(outcome.domain);
  }
  store(domains);
}

void ReportDesk::count_trouble(const std::string& domain, const StsTrouble& trouble) {
  if (!config_.policyd.tls_reports) return;
  if (Tally* const day = tally(domain, PolicyType::sts); day != nullptr)
    day->add_failure({trouble.result, {}, {}, trouble.words, 1});
  store({domain});
}

void ReportDesk::store(const std::set<std::string>& domains) {
  change_state(directory_, [&](state::Update& update) {
    for (const std::string& domain : domains)
      if (const auto found = results_.find({today(), domain}); found != results_.end())
        update.put_tls_result({today(), domain, found->second});
  });
}

// ---- reporting

void ReportDesk::send_due() {
  std::vector<Key> due;
  for (const auto& [key, tallies] : results_)
    if (key.first < today() && !sending_.contains(key) && due.size() + sending_.size() < kMaxReportsAtOnce)
      due.push_back(key);
  for (const Key& key : due) {
    sending_[key] = {};
    look_up_("_smtp._tls." + key.second,
             [this, key](const dns::Answer& answer) { texts_found(key, answer); });
  }
}

void ReportDesk::texts_found(const Key& key, const dns::Answer& answer) {
  if (answer.outcome == dns::Outcome::failed) return over(key, Outcome::failed);
  std::vector<std::string> destinations = tlsrpt::report_destinations(answer.texts);
  std::erase_if(destinations, [&](const std::string& each) { return has_reached(key, each); });
  if (destinations.empty()) return over(key, Outcome::done);  // nobody wants it
  sending_[key].waiting = destinations.size();
  for (const std::string& destination : destinations) send_to(key, destination);
}

bool ReportDesk::has_reached(const Key& key, const std::string& destination) const {
  const auto found = reached_.find(key);
  return found != reached_.end() && std::ranges::find(found->second, destination) != found->second.end();
}

tlsrpt::Report ReportDesk::report_of(const Key& key) const {
  return {.organization = config_.domains.front(),
          .contact = own_address(config_),
          .submitter = config_.hostname,
          .domain = key.second,
          .day = std::chrono::sys_days{std::chrono::days{key.first}},
          .tallies = results_.at(key)};
}

void ReportDesk::send_to(const Key& key, const std::string& destination) {
  const auto then = [this, key, destination](const std::string& problem) { sent(key, destination, problem); };
  const std::string address = tlsrpt::mailto_address(destination);
  const auto web = tlsrpt::web_target(destination);
  if (!address.empty()) {
    const tlsrpt::Report report = report_of(key);
    const std::string date =
        rfc5322::format_date_time(rfc5322::to_date_time(static_cast<std::int64_t>(now_())));
    send_(address, tlsrpt::report_message(report, report.contact, address, date),
          [then](bool is_sent) { then(is_sent ? "" : "it could not be queued"); });
  } else if (web && (web->port == 0 || web->port == config_.stsd.port)) {
    post_(*web, tlsrpt::report_file(report_of(key)), then);
  } else {  // another time will not make it better
    log_sending(key.second, destination, "neither an address nor a web server at its own port");
    over(key, Outcome::done);
  }
}

void ReportDesk::sent(const Key& key, const std::string& destination, const std::string& problem) {
  log_sending(key.second, destination, problem);
  if (!problem.empty()) return over(key, Outcome::failed);
  std::vector<std::string>& reached = reached_[key];
  reached.push_back(destination);
  change_state(directory_, [&](state::Update& update) {
    update.put_tls_reached({key.first, key.second, reached});
  });
  over(key, Outcome::done);
}

void ReportDesk::over(const Key& key, Outcome outcome) {
  Round& round = sending_.at(key);
  round.failed = round.failed || outcome == Outcome::failed;
  if (--round.waiting > 0) return;
  const bool again = round.failed && key.first + kReportDays >= today();
  sending_.erase(key);
  if (again) return;
  results_.erase(key);
  reached_.erase(key);
  change_state(directory_, [&](state::Update& update) { update.erase_tls_result(key.first, key.second); });
}

}  // namespace mailroom::policyd
