#include "daemons/queued/tls_outcomes.h"

#include <algorithm>
#include <utility>

#include "libcommon/ipc/channel.h"
#include "libcommon/text/hex.h"

namespace mailroom::queued {
namespace {

constexpr std::size_t kMaxRecords = 20;  // TLSA records that a report names
constexpr const char* kNoStarttls = "starttls-not-supported";

// What a relay process has said, which speaks to strangers.
constexpr std::size_t kMaxResult = 50, kMaxDetail = 300;

// Octets of outcomes in one message: a packet without what is around them.
constexpr std::size_t kMaxBatch = ipc::kMaxPacket - 64;

std::string words_of(const dns::Tlsa& record) {
  return std::to_string(record.usage) + ' ' + std::to_string(record.selector) + ' ' +
         std::to_string(record.matching) + ' ' + encode_hex(record.data.substr(0, kShownData)) +
         (record.data.size() > kShownData ? "..." : "");
}

// What does not say anything about TLS: an operator wants none, or the host is not one that was given.
const routing::TlsRequirement* requirement_of(const std::string& host,
                                              const std::vector<routing::NextHop>& hops) {
  const auto hop = std::ranges::find(hops, host, &routing::NextHop::name);
  if (hop == hops.end() || hop->tls.level == routing::TlsLevel::never) return nullptr;
  return &hop->tls;
}

TlsOutcome outcome_with(const std::string& domain, const routing::TlsRequirement& required,
                        const std::string& host, const IpAddress& address) {
  TlsOutcome outcome{.domain = domain, .reason = required.reason, .mx = host, .ip = address.text()};
  for (const dns::Tlsa& record : required.tlsa)
    if (outcome.policy.size() < kMaxRecords) outcome.policy.push_back(words_of(record));
  return outcome;
}

std::string result_of(const HopAttempt& attempt) {
  if (!attempt.tls_result.empty()) return attempt.tls_result.substr(0, kMaxResult);
  return attempt.failure == RelayFailure::tls_unavailable ? kNoStarttls : "";
}

std::vector<TlsOutcome> failures_of(const std::string& domain, const std::vector<routing::NextHop>& hops,
                                    const std::vector<HopAttempt>& attempts) {
  std::vector<TlsOutcome> failures;
  for (const HopAttempt& attempt : attempts) {
    const routing::TlsRequirement* const required = requirement_of(attempt.host, hops);
    std::string result = result_of(attempt);
    if (required == nullptr || result.empty()) continue;
    failures.push_back(outcome_with(domain, *required, attempt.host, attempt.address));
    failures.back().result = std::move(result);
    failures.back().detail = attempt.detail.substr(0, kMaxDetail);
  }
  return failures;
}

// Those whose turn came before that of hop number `turn`.
void append_left_out(std::vector<TlsOutcome>& outcomes, const std::string& domain,
                     const std::vector<routing::LeftOut>& left_out, std::size_t turn) {
  for (const routing::LeftOut& each : left_out)
    if (!each.result.empty() && each.before <= turn)
      outcomes.push_back({.domain = domain,
                          .reason = each.reason,
                          .policy = {},
                          .mx = each.host,
                          .ip = {},
                          .result = each.result,
                          .detail = each.words.substr(0, kMaxDetail)});
}

}  // namespace

std::vector<TlsOutcome> outcomes_of(const std::string& domain, const routing::Plan& plan,
                                    const Connected& outcome) {
  std::vector<TlsOutcome> outcomes = failures_of(domain, plan.hops, outcome.attempts);
  const auto taken_by = std::ranges::find(plan.hops, outcome.host, &routing::NextHop::name);
  append_left_out(outcomes, domain, plan.left_out, static_cast<std::size_t>(taken_by - plan.hops.begin()));
  const routing::TlsRequirement* const required = requirement_of(outcome.host, plan.hops);
  if (required == nullptr) return outcomes;
  TlsOutcome last = outcome_with(domain, *required, outcome.host, outcome.address);
  // Plaintext after TLS has failed with the same address: that failure is there already.
  const bool is_known = std::ranges::any_of(
      outcomes, [&](const TlsOutcome& failed) { return failed.mx == last.mx && failed.ip == last.ip; });
  if (outcome.tls.empty() && is_known) return outcomes;
  last.result = outcome.tls.empty() ? kNoStarttls : outcome.tls_result.substr(0, kMaxResult);
  outcomes.push_back(std::move(last));
  return outcomes;
}

std::vector<TlsOutcome> outcomes_of(const std::string& domain, const routing::Plan& plan,
                                    const NotConnected& outcome) {
  std::vector<TlsOutcome> outcomes = failures_of(domain, plan.hops, outcome.attempts);
  append_left_out(outcomes, domain, plan.left_out, plan.hops.size());
  return outcomes;
}

std::vector<TlsOutcome> outcomes_of(const std::string& domain, const routing::NoWay& none) {
  std::vector<TlsOutcome> outcomes;
  append_left_out(outcomes, domain, none.left_out, 0);
  return outcomes;
}

void TlsOutcomeBatch::add(std::vector<TlsOutcome> outcomes) {
  if (outcomes.empty()) return;
  if (waiting_.empty()) timer_.start(kInterval);
  for (TlsOutcome& outcome : outcomes)
    if (waiting_.size() < kMaxWaiting) waiting_.push_back(std::move(outcome));
}

void TlsOutcomeBatch::flush() {
  std::vector<TlsOutcome> batch;
  std::size_t octets = 0;
  for (TlsOutcome& outcome : std::exchange(waiting_, {})) {
    const std::size_t own = ipc::encode(outcome).size();
    if (batch.size() == kMaxTlsOutcomes || octets + own > kMaxBatch) {
      tell(std::exchange(batch, {}));
      octets = 0;
    }
    octets += own;
    batch.push_back(std::move(outcome));
  }
  if (!batch.empty()) tell(std::move(batch));
}

void TlsOutcomeBatch::tell(std::vector<TlsOutcome> batch) {
  ++unanswered_;
  policyd_.tell(TlsOutcomes{.outcomes = batch}, [this, batch](const TlsOutcomesCounted* counted) {
    --unanswered_;
    if (counted == nullptr) add(batch);
  });
}

}  // namespace mailroom::queued
