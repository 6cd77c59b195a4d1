#include "daemons/authd/certificate_desk.h"

#include <utility>
#include <vector>

#include "daemons/base/channel_end.h"

namespace mailroom::authd {
namespace {

// Both answer at once; what takes longer is lost.
constexpr std::chrono::seconds kPatience{10};

}  // namespace

// ---- channels

void CertificateDesk::attach_keyd(LeasedFd fd) {
  keyds_.emplace_back();
  const auto keyd = std::prev(keyds_.end());
  *keyd = std::make_unique<KeydChannel>(
      loop_, std::move(fd), 0,
      [this](KeydToAuthd&& message, std::vector<Fd>&&) { on_keyd(std::move(std::get<WasSigned>(message))); },
      [this, keyd](event::ChannelEnd why) {
        log_channel_end("authd-keyd", "keyd", why);
        keyds_.erase(keyd);
        end_all(With::keyd);
      });
}

void CertificateDesk::attach_certd(LeasedFd fd) {
  end_all(With::certd);
  certd_ = std::make_unique<CertdChannel>(
      loop_, std::move(fd), 0,
      [this](CertdToAuthd&& message, std::vector<Fd>&&) { on_certd(std::move(message)); },
      [this](event::ChannelEnd why) {
        log_channel_end("authd-certd", "certd", why);
        certd_.reset();
        end_all(With::certd);
      });
}

void CertificateDesk::end_all(With with) {
  std::vector<CheckId> ended;
  for (const auto& [check, each] : open_)
    if (each.with == with) ended.push_back(check);
  for (const CheckId check : ended) end(check, Refused{LoginRefusal::unavailable, "the server has gone"});
}

// ---- questions

CheckId CertificateDesk::check(ConnectionId connection, std::string handshake, OnStep on_step) {
  const CheckId check = ++last_;
  const bool can_ask = certd_ != nullptr && !keyds_.empty();
  auto late = std::make_unique<event::Timer>(loop_, [this, check] {
    end(check, Refused{LoginRefusal::unavailable, "no answer in time"});
  });
  // With nobody to ask the refusal comes from the loop, as every answer does.
  late->start(can_ask ? std::chrono::milliseconds{kPatience} : std::chrono::milliseconds{0});
  const std::size_t asked = can_ask ? keyds_.size() : 0;
  open_.emplace(
      check, Open{connection, std::move(handshake), std::move(on_step), With::keyd, asked, std::move(late)});
  if (!can_ask) return check;
  for (const auto& keyd : keyds_) keyd->send(WhatWasSigned{connection});
  return check;
}

// ---- answers

void CertificateDesk::on_keyd(WasSigned&& message) {
  std::vector<CheckId> waiting;
  for (const auto& [check, each] : open_)
    if (each.with == With::keyd && each.connection == message.connection) waiting.push_back(check);
  for (const CheckId check : waiting)
    message.handshake ? signed_by_keyd(check, SignedHandshake{*message.handshake}) : not_signed(check);
}

void CertificateDesk::signed_by_keyd(CheckId check, SignedHandshake&& made) {
  if (!certd_) return end(check, Refused{LoginRefusal::unavailable, "certd is not there"});
  Open& open = open_.at(check);
  open.with = With::certd;
  certd_->send(CheckHandshake{check, std::move(made), std::exchange(open.handshake, {})});
}

// It has no guess to make who has shown no handshake that was signed: mostly an honest client whose keyd has
// been replaced since.
void CertificateDesk::not_signed(CheckId check) {
  Open& open = open_.at(check);
  if (open.keyds > 1) {
    --open.keyds;
    return;
  }
  end(check, Refused{LoginRefusal::unavailable, "no handshake was signed for this connection"});
}

void CertificateDesk::on_certd(CertdToAuthd&& message) {
  const CheckId check = std::visit([](const auto& m) { return m.check; }, message);
  const auto found = open_.find(check);
  if (found == open_.end() || found->second.with != With::certd) return;
  if (auto* proved = std::get_if<CertificateProved>(&message)) return end(check, std::move(proved->names));
  if (std::holds_alternative<CannotCheck>(message))
    return end(check, Refused{LoginRefusal::unavailable, "certd cannot use its files"});
  end(check, Refused{LoginRefusal::bad_credentials, std::move(std::get<CertificateRefused>(message).reason)});
}

void CertificateDesk::end(CheckId check, Step step) {
  auto found = open_.extract(check);
  if (found) found.mapped().on_step(std::move(step));
}

}  // namespace mailroom::authd
