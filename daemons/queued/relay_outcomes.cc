#include "daemons/queued/relay_outcomes.h"

#include <algorithm>
#include <utility>

namespace mailroom::queued {
namespace {

// Octets of a reply that are kept (RFC 5321 4.5.3.1.5 allows 512 for a line).
constexpr std::size_t kMaxReplyText = 512;

constexpr std::uint16_t kClosing = 421;  // RFC 5321 3.8

std::string shortened(const std::string& text) { return text.substr(0, kMaxReplyText); }

const char* words(RelayFailure failure) {
  switch (failure) {
  case RelayFailure::none:
    return "";
  case RelayFailure::unreachable:
    return "the host cannot be reached";
  case RelayFailure::cut:
    return "the connection ended before the answer";
  case RelayFailure::greeting:
    return "the host turned the connection away";
  case RelayFailure::tls_unavailable:
    return "the host does not offer the TLS that is required";
  case RelayFailure::tls_failed:
    return "TLS failed";
  case RelayFailure::certificate:
    return "the certificate of the host is not what it must be";
  case RelayFailure::authentication:
    return "the host did not accept this system's credentials";
  case RelayFailure::unsupported:
    return "the host does not take messages of this kind";
  case RelayFailure::forbidden:
    return "mail must never go to this address";
  case RelayFailure::loop:
    return "the host is this system: mail loops";
  case RelayFailure::requiretls_unavailable:
    return "the host does not offer REQUIRETLS, which the sender asks for";
  case RelayFailure::local:
    return "this system had trouble of its own";
  }
  return "";
}

// RFC 3463: no answer, bad connection, security, ...
const char* code_of(RelayFailure failure) {
  switch (failure) {
  case RelayFailure::none:
    return "4.0.0";
  case RelayFailure::unreachable:
    return "4.4.1";
  case RelayFailure::cut:
    return "4.4.2";
  case RelayFailure::greeting:
    return "4.3.2";
  case RelayFailure::tls_unavailable:
    return "4.7.4";
  case RelayFailure::tls_failed:
    return "4.7.5";
  case RelayFailure::certificate:
    return "4.7.5";
  case RelayFailure::authentication:
    return "4.7.8";
  case RelayFailure::unsupported:
    return "5.6.3";
  case RelayFailure::forbidden:
    return "4.4.4";
  case RelayFailure::loop:
    return "5.4.6";
  case RelayFailure::requiretls_unavailable:
    return "5.7.30";
  case RelayFailure::local:
    return "4.3.0";
  }
  return "";
}

Fate fate_of(const RecipientOutcome& outcome, const RelayPeer& peer) {
  if (outcome.reply.code >= 200 && outcome.reply.code < 300) {
    if (peer.protocol == routing::Protocol::lmtp) return Fate::delivered;
    return peer.dsn ? Fate::handed_over : Fate::relayed;
  }
  if (outcome.reply.code >= 500 && outcome.reply.code < 600) return Fate::refused;
  return outcome.reply.code == 0 && outcome.failure == RelayFailure::unsupported ? Fate::refused
                                                                                 : Fate::deferred;
}

queue::TargetAnswer answer_of(const RecipientOutcome& outcome, const RelayPeer& peer, std::uint64_t now) {
  const bool replied = outcome.reply.code != 0;
  const bool is_theirs = outcome.failure != RelayFailure::local;
  std::string enhanced = outcome.reply.enhanced;
  if (!replied && enhanced.empty()) enhanced = code_of(outcome.failure);
  std::string text = shortened(outcome.reply.text);
  if (!replied && text.empty()) text = words(outcome.failure);
  return {.target = outcome.number,
          .code = outcome.reply.code,
          .enhanced = std::move(enhanced),
          .text = std::move(text),
          .host = is_theirs ? peer.host : "",
          .address = is_theirs ? peer.address : "",
          .failure = static_cast<std::uint8_t>(outcome.failure),
          .stage = static_cast<std::uint8_t>(outcome.stage),
          .time = now};
}

bool is_about(const Sent& sent, QueueId id, const std::vector<std::uint32_t>& targets) {
  return sent.queue_id == id && std::ranges::equal(sent.outcomes, targets, {}, &RecipientOutcome::number);
}

std::string attempt_text(const HopAttempt& attempt) {
  std::string text = attempt.reply.text.empty() ? words(attempt.failure) : attempt.reply.text;
  if (!attempt.detail.empty() && attempt.reply.text.empty()) text += ": " + attempt.detail;
  return shortened(text);
}

bool is_about_tls(RelayFailure failure) {
  return failure == RelayFailure::tls_unavailable || failure == RelayFailure::tls_failed ||
         failure == RelayFailure::certificate || failure == RelayFailure::requiretls_unavailable;
}

// All hosts are this system, or none can give the TLS that the sender asks for (RFC 8689 4.2.1).
bool is_final_failure(const NotConnected& answer, routing::SenderTls tls) {
  const auto all = [&](const auto& test) {
    return !answer.attempts.empty() && std::ranges::all_of(answer.attempts, test, &HopAttempt::failure);
  };
  return all([](RelayFailure failure) { return failure == RelayFailure::loop; }) ||
         (tls == routing::SenderTls::required && all(is_about_tls));
}

// RFC 8689 4.2.1: REQUIRETLS not supported, or no TLS as it must be.
std::string final_code(RelayFailure failure) {
  const bool encryption = is_about_tls(failure) && failure != RelayFailure::requiretls_unavailable;
  return encryption ? "5.7.10" : code_of(failure);
}

}  // namespace

std::optional<TargetResults> results_of(const Sent& sent, QueueId id,
                                        const std::vector<std::uint32_t>& targets, const RelayPeer& peer,
                                        std::uint64_t now) {
  if (!is_about(sent, id, targets)) return {};
  TargetResults results;
  for (const RecipientOutcome& outcome : sent.outcomes)
    results.push_back({fate_of(outcome, peer), answer_of(outcome, peer, now)});
  return results;
}

TargetResults cut_off(const std::vector<std::uint32_t>& targets, const RelayPeer& peer, std::uint64_t now) {
  TargetResults results;
  for (const std::uint32_t target : targets)
    results.push_back(
        {Fate::deferred, answer_of({target, RelayFailure::cut, RelayStage::final_dot, {}}, peer, now)});
  return results;
}

// The last host that was tried speaks for all.
TargetResult not_connected(const NotConnected& answer, routing::SenderTls tls, std::uint64_t now) {
  HopAttempt last{.failure = RelayFailure::unreachable};
  if (!answer.attempts.empty()) last = answer.attempts.back();
  const bool final = is_final_failure(answer, tls);
  const bool replied = last.reply.code != 0;
  return {final ? Fate::refused : Fate::deferred,
          {.target = 0,
           .code = last.reply.code,
           .enhanced = final     ? final_code(last.failure)
                       : replied ? last.reply.enhanced
                                 : code_of(last.failure),
           .text = attempt_text(last),
           .host = last.host,
           .address = last.host.empty() ? std::string{} : last.address.text(),
           .failure = static_cast<std::uint8_t>(last.failure),
           .stage = static_cast<std::uint8_t>(RelayStage::connect),
           .time = now}};
}

bool is_dialogue(const TargetResults& results) {
  return std::ranges::any_of(results, [](const TargetResult& result) {
    return result.answer.code != 0 && result.answer.code != kClosing;
  });
}

bool is_turned_away(const TargetResults& results) {
  return std::ranges::all_of(results, [](const TargetResult& result) {
    const auto stage = static_cast<RelayStage>(result.answer.stage);
    const bool is_gone = result.answer.failure == static_cast<std::uint8_t>(RelayFailure::cut);
    return (result.answer.code == kClosing && stage == RelayStage::mail) ||
           (is_gone && stage == RelayStage::connect);
  });
}

bool is_local(const TargetResults& results) {
  return std::ranges::all_of(results, [](const TargetResult& result) {
    return result.answer.failure == static_cast<std::uint8_t>(RelayFailure::local);
  });
}

}  // namespace mailroom::queued
