// One message over one session (RFC 5321 3.3; RFC 2920, RFC 3030; RFC 2033 for LMTP).
//
// Round trips: with CHUNKING and PIPELINING a small message is one write and one wait; with PIPELINING alone
// envelope and DATA are one, the content another; without it each command waits for its reply.
#pragma once

#include <string_view>
#include <vector>

#include "daemons/channels/relayd.h"
#include "daemons/relayd/commands.h"
#include "daemons/relayd/exchange.h"
#include "daemons/relayd/session.h"

namespace mailroom::relayd {

// Up to so many octets content goes before its recipients' replies are known, or in one write.
inline constexpr std::size_t kSmallContent = 64 * 1024;

class Transaction {
 public:
  // `left_over`: the transaction before was not ended by content; RSET comes first.
  enum class LeftOver : bool { no, yes };
  Transaction(const RelaydConfig& limits, const Session& session, Exchange& exchange, const Send& message,
              std::string_view content, LeftOver left_over);

  // Each recipient's outcome is what the far side said about it in a whole reply, or `cut`; "taken" only
  // after the reply to the end of a content that was sent as a whole; `cut` at stage final_dot when the
  // content may have left as a whole.  Throws Stopped when this process is told to end before the content has
  // left.
  Sent run();

  // For the next message, when this one's Sent says that the connection is reusable.
  LeftOver left_over() const { return content_ended_ ? LeftOver::no : LeftOver::yes; }

 private:
  void refuse_unsendable();
  void dialogue();
  void announce();
  void recipients();
  void one_by_one();
  void small_content();
  void large_content();
  void send_in_pieces();
  void send_chunk();
  void send_data();
  void data_reply(const smtp::ServerReply& reply);
  void final_replies();

  bool is_chunked() const;
  bool is_small() const { return content_.size() <= kSmallContent; }
  smtp::ServerReply reply(RelayStage stage, Duration time);
  void on_mail(const smtp::ServerReply& reply);
  void on_recipient(std::size_t index, const smtp::ServerReply& reply);
  void on_final(std::size_t index, const smtp::ServerReply& reply);
  void decide(std::size_t index, RelayFailure failure, RelayStage stage, Reply reply);
  void decide_rest(RelayFailure failure, RelayStage stage, const Reply& reply);
  RelayStage stage_of_cut() const;
  void await_outcome();
  void check_order();

  const RelaydConfig& limits_;
  const Session& session_;
  Exchange& exchange_;
  const Send& message_;
  std::string_view content_;
  const MessageNeeds needs_;
  LeftOver previous_;
  Sent sent_;
  std::vector<bool> decided_;
  std::vector<std::size_t> named_;     // those whom RCPT names, by their places in Sent
  std::vector<std::size_t> accepted_;  // of them, those whom the far side has accepted so far
  RelayStage stage_ = RelayStage::mail;
  bool mail_refused_ = false;
  bool content_left_ = false;   // all of it, with its end
  bool content_ended_ = false;  // the far side has replied to the end of the content
  bool over_ = false;           // the connection is of no more use
};

}  // namespace mailroom::relayd
