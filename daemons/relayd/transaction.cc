#include "daemons/relayd/transaction.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/protocol/smtp/outgoing_content.h"

namespace mailroom::relayd {
namespace {

constexpr std::uint16_t kStartContent = 354;
constexpr std::uint16_t kClosing = 421;
constexpr const char* kTransientProtocol = "4.5.0";  // RFC 3463 3.6
constexpr const char* kCutEnhanced = "4.4.2";        // RFC 3463 3.5: bad connection

// The far side says that it closes: this reply counts for all that it has not replied to.
struct Closing {
  Reply reply;
};

}  // namespace

Transaction::Transaction(const RelaydConfig& limits, const Session& session, Exchange& exchange,
                         const Send& message, std::string_view content, LeftOver left_over)
    : limits_{limits}, session_{session}, exchange_{exchange}, message_{message}, content_{content},
      needs_{content.size(), smtp::needs_of(content)}, previous_{left_over} {
  sent_.queue_id = message.queue_id;
  for (const OutboundRecipient& recipient : message.recipients)
    sent_.outcomes.push_back({recipient.number, RelayFailure::cut, RelayStage::mail, {}});
  decided_.resize(message.recipients.size());
}

Sent Transaction::run() {
  content_ended_ = previous_ == LeftOver::no;  // as long as nothing is said
  exchange_.await_nothing();
  if (auto fit = check_message(message_, needs_, session_); !fit) {
    decide_rest(RelayFailure::unsupported, stage_, fit.error());
  } else {
    refuse_unsendable();
    try {
      if (!named_.empty()) dialogue();
    } catch (const Closing& closing) {
      decide_rest(RelayFailure::none, stage_, closing.reply);
      over_ = true;
    } catch (const Disorder& disorder) {
      decided_.assign(decided_.size(), false);
      decide_rest(RelayFailure::cut, stage_of_cut(), {0, kTransientProtocol, disorder.what()});
      over_ = true;
    } catch (const Cut& cut) {
      decide_rest(RelayFailure::cut, stage_of_cut(), {0, kCutEnhanced, cut.what()});
      over_ = true;
    }
  }
  sent_.reusable =
      !over_ && !exchange_.write_failed() && !exchange_.has_input() && !exchange_.is_told_to_end();
  return std::move(sent_);
}

void Transaction::refuse_unsendable() {
  for (std::size_t i = 0; i < message_.recipients.size(); ++i) {
    if (is_sendable(message_.recipients[i].address) && !message_.recipients[i].address.empty())
      named_.push_back(i);
    else
      decide(i, RelayFailure::unsupported, RelayStage::rcpt,
             {0, "5.1.3", "the address cannot be written in a command"});
  }
}

void Transaction::dialogue() {
  content_ended_ = false;
  if (session_.capabilities.pipelining)
    recipients();
  else
    one_by_one();
  check_order();
}

bool Transaction::is_chunked() const {
  // In LMTP the replies to BDAT LAST are counted by recipients that are not known yet (RFC 2033 4.3).
  return session_.capabilities.chunking && session_.protocol != routing::Protocol::lmtp;
}

// All of the envelope in one write (RFC 2920 3.1), and what can follow it.
void Transaction::recipients() {
  if (previous_ == LeftOver::yes) exchange_.out() += "RSET\r\n";
  exchange_.out() += mail_command(message_, needs_, session_);
  for (const std::size_t i : named_) exchange_.out() += rcpt_command(message_.recipients[i], session_);
  if (is_small() && is_chunked())
    exchange_.out().append(fmt::format("BDAT {} LAST\r\n", content_.size())).append(content_);
  else if (is_small())
    exchange_.out() += "DATA\r\n";
  exchange_.flush(limits_.block_timeout);
  if (is_small() && is_chunked()) await_outcome();
  if (previous_ == LeftOver::yes) announce();
  on_mail(reply(RelayStage::mail, limits_.command_timeout));
  for (const std::size_t i : named_) on_recipient(i, reply(RelayStage::rcpt, limits_.command_timeout));
  if (is_small())
    small_content();
  else
    large_content();
}

// The reply to RSET.
void Transaction::announce() {
  if (!reply(RelayStage::mail, limits_.command_timeout).is_positive())
    throw Disorder("an unexpected reply to RSET");
}

void Transaction::one_by_one() {
  const auto ask = [&](const std::string& command, RelayStage stage) {
    exchange_.out() += command;
    exchange_.flush(limits_.command_timeout);
    return reply(stage, limits_.command_timeout);
  };
  if (previous_ == LeftOver::yes && !ask("RSET\r\n", RelayStage::mail).is_positive())
    throw Disorder("an unexpected reply to RSET");
  on_mail(ask(mail_command(message_, needs_, session_), RelayStage::mail));
  if (mail_refused_) return;
  for (const std::size_t i : named_)
    on_recipient(i, ask(rcpt_command(message_.recipients[i], session_), RelayStage::rcpt));
  large_content();
}

// Announced already, with the recipients.
void Transaction::small_content() {
  if (is_chunked()) {
    final_replies();
    content_ended_ = true;
    return;
  }
  data_reply(reply(RelayStage::data, limits_.data_timeout));
}

// Nothing of it has been said yet.
void Transaction::large_content() {
  if (accepted_.empty()) return;
  if (is_chunked()) return send_chunk();
  exchange_.out() += "DATA\r\n";
  exchange_.flush(limits_.command_timeout);
  data_reply(reply(RelayStage::data, limits_.data_timeout));
}

void Transaction::data_reply(const smtp::ServerReply& reply) {
  if (reply.code == kStartContent) return send_data();
  if (!reply.is_refusal() && !accepted_.empty()) throw Disorder("an unexpected reply to DATA");
  if (!reply.is_refusal()) throw Disorder("DATA without recipients is taken");
  for (const std::size_t i : accepted_) decide(i, RelayFailure::none, RelayStage::data, to_reply(reply));
}

// Also when all recipients were refused and the far side wants content nevertheless: then there is none (RFC
// 2920 3.1).
void Transaction::send_data() {
  smtp::DotStuffer stuffer;
  if (accepted_.empty()) {
    stuffer.finish(exchange_.out());
    exchange_.flush(limits_.block_timeout);
    reply(RelayStage::final_dot, limits_.final_timeout);
    content_ended_ = true;
    return;
  }
  for (std::string_view rest = content_; !rest.empty();
       rest.remove_prefix(std::min(rest.size(), kSmallContent))) {
    stuffer.append(rest.substr(0, kSmallContent), exchange_.out());
    if (rest.size() > kSmallContent) send_in_pieces();
  }
  stuffer.finish(exchange_.out());
  send_in_pieces();
  final_replies();
  content_ended_ = true;
}

// The count is announced for all of it, so that the last octet is the end.
void Transaction::send_chunk() {
  exchange_.out() += fmt::format("BDAT {} LAST\r\n", content_.size());
  std::string_view rest = content_;
  do {
    exchange_.out() += rest.substr(0, kSmallContent);
    send_in_pieces();
    rest.remove_prefix(std::min(rest.size(), kSmallContent));
  } while (!rest.empty());
  final_replies();
  content_ended_ = true;
}

// A far side that speaks before the end can only refuse: nothing that it says has seen all of the content.
void Transaction::send_in_pieces() {
  if (content_.size() > kSmallContent && (exchange_.write_failed() || exchange_.has_spoken())) {
    const smtp::ServerReply early = reply(RelayStage::final_dot, limits_.final_timeout);
    if (!early.is_refusal()) throw Disorder("a reply before the end of the content");
    throw Closing{to_reply(early)};
  }
  exchange_.flush(limits_.block_timeout);
}

void Transaction::final_replies() {
  await_outcome();
  if (session_.protocol == routing::Protocol::lmtp) {  // RFC 2033 4.2
    for (const std::size_t i : accepted_) on_final(i, reply(RelayStage::final_dot, limits_.final_timeout));
    return;
  }
  const smtp::ServerReply all = reply(RelayStage::final_dot, limits_.final_timeout);
  for (const std::size_t i : accepted_) on_final(i, all);
}

smtp::ServerReply Transaction::reply(RelayStage stage, Duration time) {
  stage_ = stage;
  smtp::ServerReply got = exchange_.reply(time);
  if (got.code == kClosing) throw Closing{to_reply(got)};
  return got;
}

void Transaction::on_mail(const smtp::ServerReply& reply) {
  if (reply.is_positive()) return;
  if (!reply.is_refusal()) throw Disorder("an unexpected reply to MAIL");
  mail_refused_ = true;
  for (const std::size_t i : named_) decide(i, RelayFailure::none, RelayStage::mail, to_reply(reply));
}

void Transaction::on_recipient(std::size_t index, const smtp::ServerReply& reply) {
  if (mail_refused_) return;
  if (reply.is_refusal())
    decide(index, RelayFailure::none, RelayStage::rcpt, to_reply(reply));
  else if (reply.is_positive())
    accepted_.push_back(index);
  else
    throw Disorder("an unexpected reply to RCPT");
}

void Transaction::on_final(std::size_t index, const smtp::ServerReply& reply) {
  if (!reply.is_refusal() && !reply.is_positive()) throw Disorder("an unexpected reply to the content");
  if (reply.is_positive() && exchange_.write_failed())
    throw Cut("the far side closed before the end of the content");
  decide(index, RelayFailure::none, RelayStage::final_dot, to_reply(reply));
}

void Transaction::decide(std::size_t index, RelayFailure failure, RelayStage stage, Reply reply) {
  if (decided_[index]) return;
  decided_[index] = true;
  RecipientOutcome& outcome = sent_.outcomes[index];
  outcome.failure = failure;
  outcome.stage = stage;
  outcome.reply = std::move(reply);
}

void Transaction::decide_rest(RelayFailure failure, RelayStage stage, const Reply& reply) {
  for (std::size_t i = 0; i < decided_.size(); ++i) decide(i, failure, stage, reply);
}

// Once all of the content has left, the far side may have taken it, whatever else it has not replied to.
RelayStage Transaction::stage_of_cut() const { return content_left_ ? RelayStage::final_dot : stage_; }

void Transaction::await_outcome() {
  content_left_ = true;
  exchange_.await_outcome(limits_.stop_timeout);
}

// More replies than commands: it cannot be known which of them was meant for whom.  That the far side closes
// may be said at any time (RFC 5321 3.8).
void Transaction::check_order() {
  if (exchange_.has_input() && !exchange_.input().starts_with("421"))
    throw Disorder("more replies than commands");
}

}  // namespace mailroom::relayd
