#include "daemons/queued/local_delivery.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "daemons/queued/clock.h"

namespace mailroom::queued {
namespace {

const char* failure_text(DeliveryFailure failure) {
  switch (failure) {
  case DeliveryFailure::no_space:
    return "no space";
  case DeliveryFailure::no_mailbox:
    return "no mailbox";
  case DeliveryFailure::system_error:
    return "system error";
  }
  return "";
}

// RFC 3463: mailbox full, mailbox disabled, other mailbox status.
const char* failure_code(DeliveryFailure failure) {
  switch (failure) {
  case DeliveryFailure::no_space:
    return "4.2.2";
  case DeliveryFailure::no_mailbox:
    return "4.2.1";
  case DeliveryFailure::system_error:
    return "4.2.0";
  }
  return "";
}

// What stands above the content in the mailbox (RFC 5321 4.4 for Return-Path).
std::string top_lines(const queue::Envelope& envelope, const queue::Target& target) {
  return fmt::format("Return-Path: <{}>\r\nDelivered-To: {}\r\n", envelope.reverse_path,
                     envelope.recipients.at(target.recipient).address);
}

TargetResult refused_as_loop(std::uint32_t target) {
  Reply reply = delivered_before();
  return {Fate::refused,
          {.target = target,
           .code = reply.code,
           .enhanced = std::move(reply.enhanced),
           .text = std::move(reply.text),
           .time = microseconds_now()}};
}

// RFC 3463: other mail system status.
TargetResult ended_deliverd(std::uint32_t target) {
  return {Fate::deferred,
          {.target = target,
           .enhanced = "4.3.0",
           .text = "deliverd has ended whenever this was delivered",
           .time = microseconds_now()}};
}

}  // namespace

Reply delivered_before() {
  return {554, "5.4.6", "The message has been delivered to this address before: it is in a loop"};
}

void LocalDelivery::attach_deliverd(LeasedFd fd) {
  gone();
  deliverd_ = std::make_unique<Channel>(
      loop_, std::move(fd), 0,
      [this](DeliverdToQueued&& message, std::vector<Fd>&&) {
        std::visit([this](const auto& m) { on_message(m); }, message);
        hand_out();
      },
      [this](event::ChannelEnd why) {
        log_channel_end("queued-deliverd", "deliverd", why);
        gone();
      });
  hand_out();
  on_ready_();
}

void LocalDelivery::gone() {
  deliverd_.reset();
  if (const auto suspect = ring_.interrupted()) note(*suspect, ended_deliverd(suspect->recipient));
}

void LocalDelivery::begin(QueueId id, const std::vector<std::uint32_t>& targets) {
  TargetResults& results = results_[id];
  results.clear();
  const auto& looping = messages_.find(id)->envelope.looping;
  std::vector<std::uint32_t> left;
  for (const std::uint32_t target : targets)
    if (std::ranges::binary_search(looping, target))
      results.push_back(refused_as_loop(target));
    else
      left.push_back(target);
  if (left.empty()) return end(id);
  ring_.begin(id, left);
  hand_out();
}

void LocalDelivery::forget(QueueId id) {
  ring_.remove(id);
  results_.erase(id);
}

void LocalDelivery::hand_out() {
  while (deliverd_) {
    const auto delivery = ring_.next();
    if (!delivery) return;
    send(*delivery);
  }
}

void LocalDelivery::send(DeliveryId delivery) {
  const OpenMessage& message = *messages_.find(delivery.queue_id);
  const queue::Target& target = message.envelope.targets.at(delivery.recipient - 1);
  std::vector<Fd> descriptors;
  if (message.memfd) descriptors.push_back(message.share_memfd());
  deliverd_->send(Deliver{delivery, target.account, top_lines(message.envelope, target), message.content,
                          message.memfd ? message.size : 0},
                  std::move(descriptors));
}

void LocalDelivery::on_message(const Delivered& message) {
  for (const DeliveryId& delivery : message.ids)
    note(delivery, {Fate::delivered, {.target = delivery.recipient, .time = microseconds_now()}});
}

void LocalDelivery::on_message(const NotDelivered& message) {
  note(message.id, {Fate::deferred,
                    {.target = message.id.recipient,
                     .enhanced = failure_code(message.failure),
                     .text = fmt::format("{}: {}", failure_text(message.failure), message.detail),
                     .time = microseconds_now()}});
}

// An answer for what was not handed out changes nothing.
void LocalDelivery::note(DeliveryId delivery, TargetResult result) {
  if (!ring_.answered(delivery)) return;
  results_.at(delivery.queue_id).push_back(std::move(result));
  if (ring_.is_done(delivery.queue_id)) end(delivery.queue_id);
}

void LocalDelivery::end(QueueId id) {
  TargetResults ended = std::move(results_.at(id));
  forget(id);
  on_ended_(id, std::move(ended));
}

}  // namespace mailroom::queued
