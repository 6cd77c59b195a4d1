// DATA (RFC 5321 section 4.1.1.4) and BDAT (RFC 3030).
#include <fmt/format.h>

#include "daemons/log.h"
#include "daemons/smtpd/session.h"
#include "daemons/smtpd/session_limits.h"
#include "libcommon/protocol/smtp/command.h"
#include "libcommon/protocol/smtp/forgiving_scanner.h"
#include "libcommon/protocol/smtp/received.h"
#include "spool/queue/queue_id.h"

namespace mailroom {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;

constexpr smtp::Refusal kNoRecipients{554, "5.5.1", "No valid recipients; see the replies to RCPT"};

// How long one content phase may take: it has a time to start, and then must keep the least rate.
class Pace {
 public:
  using Time = Dialogue::Time;
  Pace(Clock& clock, const SmtpdConfig& limits) : clock_{clock}, limits_{limits}, start_{clock.now()} {}

  void count(std::uint64_t octets) { octets_ += octets; }
  void drain() {
    if (drain_end_ == Time::max()) drain_end_ = clock_.now() + kDrainTime;
  }
  Time deadline() const {
    const Time next_block = clock_.now() + std::chrono::milliseconds{limits_.data_timeout};
    return std::min({next_block, rate_deadline(), drain_end_});
  }

 private:
  Time rate_deadline() const {
    if (limits_.min_data_rate == 0) return Time::max();
    return start_ + kDataGrace + std::chrono::seconds{octets_ / limits_.min_data_rate};
  }

  Clock& clock_;
  const SmtpdConfig& limits_;
  Time start_;
  Time drain_end_ = Time::max();  // max: it is not being drained
  std::uint64_t octets_ = 0;
};

// Content of a chunk goes to the message, and is watched over all chunks.
class ChunkSink : public smtp::ContentSink {
 public:
  ChunkSink(smtp::ChunkWatch& watch, IncomingMessage& message) : watch_{watch}, message_{message} {}
  void content(std::string_view piece) override {
    watch_.feed(piece);
    message_.content(piece);
  }

 private:
  smtp::ChunkWatch& watch_;
  IncomingMessage& message_;
};

class NoSink : public smtp::ContentSink {
 public:
  void content(std::string_view) override {}
};

}  // namespace

std::unique_ptr<IncomingMessage> SmtpSession::begin_message() {
  const IncomingMessage::Limits limits{limits_.max_message_size, limits_.max_received};
  auto message = std::make_unique<IncomingMessage>(peers_.spool, transaction_id_, limits);
  message->prepend(received_field());
  if (facts_.service != Service::mx || forgiven().add_fields) {
    const auto now = peers_.clock.date().time_since_epoch();
    message->complete({std::chrono::duration_cast<std::chrono::seconds>(now).count(),
                       queue::id_text(transaction_.queue_id), facts_.hostname});
  }
  return message;
}

std::string SmtpSession::received_field() const {
  const TlsDescription tls = tls_on_ && facts_.describe_tls ? facts_.describe_tls() : TlsDescription{};
  const std::string client = facts_.peer.literal();
  const std::string id = queue::id_text(transaction_.queue_id);
  smtp::TraceFacts trace;
  trace.helo = helo_;
  trace.client_literal = client;
  trace.by = facts_.hostname;
  trace.id = id;
  trace.esmtp = greeting_ == Greeting::ehlo;
  trace.smtputf8 = transaction_.parameters.smtputf8;
  trace.authenticated = logged_in_;
  trace.tls = tls_on_;
  trace.tls_version = tls.version;
  trace.tls_cipher = tls.cipher;
  trace.tls_group = tls.group;
  trace.when = peers_.clock.date();
  return smtp::received_field(trace);
}

void SmtpSession::data(std::string_view argument) {
  if (const auto none = smtp::expect_no_argument(argument); !none) return refuse(none.error());
  if (phase_ != Phase::recipients) return refuse(kNoRecipients);
  if (dialogue_.has_input())
    return leave_with({554, "5.5.1", "Wait for the reply to DATA before the message"});
  const bool is_bare_lf_forgiven = forgiven().bare_lf;
  const auto message = begin_message();
  reply(354, "", "Send the message; end it with a line that is a single dot");
  dialogue_.flush();
  try {
    if (is_bare_lf_forgiven) {
      receive_data(*message, smtp::ForgivingScanner{});
    } else {
      receive_data(*message, smtp::DataScanner{});
    }
  } catch (const StreamError& error) {
    if (error.kind != StreamError::Kind::timeout || !message->fault()) throw;
    ended_ = true;  // the rest of a refused message did not come in time
  }
  // After a lone CR or LF nobody knows what the client takes for commands (SECURITY.md V3).
  if (ended_ || message->fault() == ContentFault::bare_line_end)
    return leave_with(reply_to(*message->fault()));
  finish_message(*message);
}

// Up to the end of data; or with ended_ set, when too much of a refused message keeps coming.
template <typename Scanner>
void SmtpSession::receive_data(IncomingMessage& message, Scanner scanner) {
  Pace pace{peers_.clock, limits_};
  std::uint64_t dropped = 0;
  for (;;) {
    const std::string_view input = dialogue_.read_content(kReadSize, pace.deadline());
    const auto step = scanner.feed(input, message);
    if (scanner.has_bare_line_end()) message.refuse(ContentFault::bare_line_end);
    if (scanner.has_overlong_line()) message.refuse(ContentFault::overlong_line);
    if (step.ended) {
      dialogue_.unread(input.size() - step.consumed);
      return;
    }
    pace.count(step.consumed);
    if (!message.fault()) continue;
    pace.drain();
    dropped += step.consumed;
    ended_ = dropped > kMaxDropped;
    if (ended_) return;
  }
}

void SmtpSession::bdat(std::string_view argument) {
  const auto chunk = smtp::parse_bdat(argument);
  // Where the chunk ends is not known, so nothing that follows can be taken for a command.
  if (!chunk)
    return leave_with(
        {chunk.error().code, std::string(chunk.error().enhanced), std::string(chunk.error().text)});
  if (phase_ == Phase::mail)
    return refuse_chunk(chunk->size, {554, "5.5.1", std::string(kNoRecipients.text)});
  if (phase_ != Phase::recipients && phase_ != Phase::chunks) {
    return refuse_chunk(chunk->size, {503, "5.5.1", "Send EHLO, MAIL and RCPT first"});
  }
  if (chunk->size > limits_.max_message_size - transaction_.chunk_octets) {
    return refuse_chunk(chunk->size, reply_to(ContentFault::too_big));
  }
  if (!transaction_.message) transaction_.message = begin_message();
  phase_ = Phase::chunks;
  transaction_.chunk_octets += chunk->size;
  ChunkSink sink{transaction_.chunk_watch, *transaction_.message};
  read_chunk(chunk->size, sink);
  if (chunk->last) return finish_chunks();
  reply(250, "2.0.0", fmt::format("{} octets taken", chunk->size));
}

void SmtpSession::read_chunk(std::uint64_t size, smtp::ContentSink& sink) {
  Pace pace{peers_.clock, limits_};
  while (size > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, kReadSize));
    const std::string_view input = dialogue_.read_content(wanted, pace.deadline());
    sink.content(input);
    pace.count(input.size());
    size -= input.size();
  }
}

// The transaction is over, and the chunk is read all the same: its octets are no commands (RFC 3030 section
// 2).
void SmtpSession::refuse_chunk(std::uint64_t size, const Reply& refusal) {
  forget_transaction();
  if (size > kMaxDropped) return leave_with(refusal);
  NoSink sink;
  read_chunk(size, sink);
  refuse(refusal);
}

void SmtpSession::finish_chunks() {
  const auto message = std::move(transaction_.message);
  const smtp::ChunkWatch& watch = transaction_.chunk_watch;
  if (watch.has_bare_line_end()) message->refuse(ContentFault::bare_line_end);
  if (watch.has_overlong_line()) message->refuse(ContentFault::overlong_line);
  if (watch.ends_in_line()) message->content("\r\n");
  finish_message(*message);
}

void SmtpSession::finish_message(IncomingMessage& message) {
  const Reply outcome = message.finish();
  const std::string id = queue::id_text(transaction_.queue_id);
  if (outcome.accepted()) {
    log::write("message-accepted", {{"session", log::Id{facts_.connection}},
                                    {"queue", id},
                                    {"sender", transaction_.reverse_path},
                                    {"recipients", transaction_.recipients},
                                    {"size", message.octets()}});
    end_transaction();
    return reply(outcome);
  }
  log::write("message-refused",
             {{"session", log::Id{facts_.connection}},
              {"queue", id},
              {"sender", transaction_.reverse_path},
              {"reply", fmt::format("{} {} {}", outcome.code, outcome.enhanced, outcome.text)},
              {"reason", message.fault() ? fault_name(*message.fault()) : "refused by the queue"}});
  forget_transaction();
  answer_refusal(outcome);
}

}  // namespace mailroom
