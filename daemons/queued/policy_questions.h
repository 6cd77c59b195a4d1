// What queued asks policyd on its own account (queued-policyd): where a report goes, and the MTA-STS policy
// of a domain; and what it tells, which is answered too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

#include "daemons/channels/policyd.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::queued {

class PolicyQuestions {
 public:
  // Questions without an answer; one more is answered at once with nothing.
  static constexpr std::size_t kMaxOpen = 10'000;

  explicit PolicyQuestions(event::Loop& loop) : loop_{loop} {}

  void attach(LeasedFd fd);

  // Calls back once, from the loop or at once: with nothing when policyd is away or goes away.  The callback
  // is not called after the destructor has begun.
  template <typename Answer>
  using Then = std::function<void(const Answer*)>;
  using OnAddress = Then<AddressResolved>;
  using OnStsPolicy = Then<StsPolicyFound>;
  using OnRefusal = Then<RefusalNoted>;
  void resolve_address(const std::string& address, OnAddress then);
  void find_sts_policy(const std::string& domain, const std::string& label, OnStsPolicy then);
  // The number of what is told is given here.
  void tell(ReportRefused refusal, OnRefusal then);
  using OnCounted = Then<TlsOutcomesCounted>;
  void tell(TlsOutcomes outcomes, OnCounted then);

 private:
  using Channel = event::ChannelHandler<QueuedAsksPolicyd, PolicydAnswersQueued>;
  using Waiting = std::variant<OnAddress, OnStsPolicy, OnRefusal, OnCounted>;

  bool may_ask() const { return channel_ && open_.size() < kMaxOpen; }
  template <typename Answer>
  void on_answer(const Answer& answer);
  void gone();

  event::Loop& loop_;
  std::unique_ptr<Channel> channel_;
  std::unordered_map<std::uint64_t, Waiting> open_;
  std::uint64_t last_ = 0;
};

}  // namespace mailroom::queued
