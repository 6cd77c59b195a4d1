#include "daemons/policyd/question_desk.h"

#include <utility>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "libcommon/policy/address.h"
#include "libcommon/policy/device.h"
#include "libcommon/protocol/smtp/bounds.h"

namespace mailroom::policyd {
namespace {

constexpr std::size_t kMaxDomain = 255;  // RFC 1035 2.3.4

bool is_domain(const std::string& name) { return !name.empty() && name.size() <= kMaxDomain; }

}  // namespace

QuestionDesk::QuestionDesk(event::Loop& loop, state::Directory& directory, SiteNow site, StsDesk& sts,
                           OnOutcomes on_outcomes, OnRefusal on_refusal)
    : loop_{loop}, directory_{directory}, site_{std::move(site)}, sts_{sts},
      on_outcomes_{std::move(on_outcomes)}, on_refusal_{std::move(on_refusal)} {}

void QuestionDesk::attach(const std::string& peer, LeasedFd fd) {
  channel_ = std::make_shared<Channel>(
      loop_, std::move(fd), 0,
      [this, peer](QueuedAsksPolicyd&& message, std::vector<Fd>&&) {
        const char* wrong =
            std::visit([this](const auto& question) { return on_message(question); }, message);
        if (wrong == nullptr) return;
        log::write("peer-misbehaved", {{"channel", "queued-policyd"}, {"peer", peer}, {"reason", wrong}});
        channel_.reset();
      },
      [this, peer](event::ChannelEnd why) {
        log_channel_end("queued-policyd", peer, why);
        channel_.reset();
      });
}

const char* QuestionDesk::on_message(const ResolveAddress& question) {
  channel_->send(resolve(question));
  return nullptr;
}

const char* QuestionDesk::on_message(const FindStsPolicy& question) {
  if (!is_domain(question.domain)) return "a question about what is no domain";
  sts_.find(question, [channel = std::weak_ptr<Channel>{channel_}](const StsPolicyFound& found) {
    if (const auto there = channel.lock()) there->send(found);
  });
  return nullptr;
}

const char* QuestionDesk::on_message(const TlsOutcomes& outcomes) {
  if (outcomes.outcomes.size() > kMaxTlsOutcomes) return "too many outcomes at once";
  for (const TlsOutcome& outcome : outcomes.outcomes)
    if (!is_domain(outcome.domain)) return "an outcome of what is no domain";
  on_outcomes_(outcomes);
  channel_->send(TlsOutcomesCounted{outcomes.question});
  return nullptr;
}

const char* QuestionDesk::on_message(const ReportRefused& refusal) {
  if (refusal.device.empty() || refusal.device.size() > policy::kMaxDeviceName)
    return "a refused report to what is no device";
  if (refusal.address.size() > smtp::kMaxPath || refusal.queue_id == 0) return "an impossible refused report";
  channel_->send(RefusalNoted{refusal.question, !on_refusal_(refusal)});
  return nullptr;
}

AddressResolved QuestionDesk::resolve(const ResolveAddress& question) const {
  AddressResolved answer{.question = question.question, .recipient = {}};
  answer.recipient.address = question.address;
  const auto address = policy::parse_address(question.address);
  if (!address) return answer;
  try {
    Found found = site_().look_up(directory_.view(), *address);
    answer.recipient.accounts = std::move(found.accounts);
    if (found.kind == policy::Recipient::relayed || found.kind == policy::Recipient::foreign)
      answer.recipient.domain = address->domain;
  } catch (const std::runtime_error& error) {
    log::write("state-failed", {{"reason", error.what()}});
    answer.unavailable = true;
  }
  return answer;
}

}  // namespace mailroom::policyd
