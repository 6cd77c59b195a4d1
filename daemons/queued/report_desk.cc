#include "daemons/queued/report_desk.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "daemons/log.h"
#include "daemons/queued/clock.h"
#include "libcommon/policy/address.h"

namespace mailroom::queued {
namespace {

constexpr std::chrono::seconds kRetry{5};
// About an hour: then an operator has to see to it, or, when it is owed and there is time left, the
// dispatcher asks for it again.
constexpr unsigned kMaxTries = 720;

// Reports that are being made; a further message is held.
constexpr std::size_t kMaxJobs = 5'000;
constexpr std::size_t kFewJobs = 2'000;  // with room for what all that is under way may add

constexpr std::uint64_t kMicroseconds = 1'000'000;

std::int64_t seconds(queue::Microseconds time) { return static_cast<std::int64_t>(time / kMicroseconds); }

// What this system says itself has no host; what a host says is quoted as it came.
std::string words_of(const Reply& reply) {
  std::string words = reply.code == 0 ? "" : std::to_string(reply.code);
  for (const std::string& part : {reply.enhanced, reply.text})
    if (!part.empty()) words += (words.empty() ? "" : " ") + part;
  return words;
}

dsn::Recipient recipient_of(const queue::EnvelopeRecipient& recipient, const ReportedTarget& target,
                            dsn::Action action, bool expired) {
  const bool replied = target.reply.code != 0 && !target.host.empty();
  return {.address = recipient.address,
          .orcpt = recipient.orcpt,
          .action = action,
          .status = target.reply.enhanced,
          .expired = expired,
          .host = target.host,
          .reply = replied ? words_of(target.reply) : "",
          .problem = replied ? "" : target.reply.text,
          .attempted = seconds(target.attempted)};
}

// One for each recipient, whatever the number of its targets, whose sender wants to hear of it.
std::vector<dsn::Recipient> wanted(const ReportedMessage& message, const Reports::Targets& targets,
                                   dsn::Action action, bool expired) {
  std::map<std::uint32_t, dsn::Recipient> out;
  for (const ReportedTarget& target : targets) {
    if (target.number == 0 || target.number > message.envelope.targets.size()) continue;
    const std::uint32_t number = message.envelope.targets[target.number - 1].recipient;
    const queue::EnvelopeRecipient& recipient = message.envelope.recipients.at(number);
    if (dsn::is_wanted(recipient.notify, action))
      out.try_emplace(number, recipient_of(recipient, target, action, expired));
  }
  std::vector<dsn::Recipient> recipients;
  for (auto& [number, recipient] : out) recipients.push_back(std::move(recipient));
  return recipients;
}

bool is_own_mail(const queue::Envelope& envelope) { return envelope.connection == 0; }

// Whoever came to a listener of strangers has proved nothing about the sender.
bool is_sender_known(const queue::Envelope& envelope) {
  return !envelope.submitter.empty() || is_own_mail(envelope);
}

bool is_report(const queue::Envelope& envelope) {
  return is_own_mail(envelope) && envelope.reverse_path.empty();
}

// What has arrived is noted as owed before it is reported (queue::Owed).
bool is_owed(dsn::Action action) {
  return action == dsn::Action::delivered || action == dsn::Action::relayed;
}

// What a report about these targets settles.
queue::Status settled_by(dsn::Action action, QueueId id, const Reports::Targets& targets) {
  if (action == dsn::Action::delayed) return {id, queue::Warned{}};
  return {id, finished(targets)};
}

policy::RefusedAt refused_at(const ReportedTarget& target) {
  if (target.host.empty() || target.reply.code == 0) return policy::RefusedAt::here;
  switch (target.stage) {
  case RelayStage::connect:
  case RelayStage::mail:
    return policy::RefusedAt::session;
  case RelayStage::rcpt:
    return policy::RefusedAt::recipient;
  default:
    return policy::RefusedAt::content;
  }
}

// What a report about a device's message carries, so that its refusal can be told: an ENVID (RFC 3461 4.4)
// that names the message, which counts once.
void mark(queue::Envelope& report, const ReportedMessage& about) {
  if (about.envelope.device.empty()) return;
  report.device = about.envelope.device;
  report.envid = queue::id_text(about.id);
}

// A report about a device's message that reaches none of those whom its one address stands for.
std::optional<ReportRefused> refusal_of(const ReportedMessage& report, const Reports::Targets& targets) {
  const queue::Envelope& envelope = report.envelope;
  if (envelope.device.empty() || !is_report(envelope) || targets.size() != envelope.targets.size()) return {};
  const ReportedTarget& first = targets.front();
  return ReportRefused{.device = envelope.device,
                       .address = envelope.recipients.front().address,
                       .at = refused_at(first),
                       .reply = first.reply,
                       .queue_id = queue::parse_id(envelope.envid).value_or(report.id)};
}

// A message of a device whose sender nobody is: no report of it can be made.
std::optional<ReportRefused> refusal_without_report(const ReportedMessage& message) {
  const queue::Envelope& envelope = message.envelope;
  if (envelope.device.empty() || is_report(envelope)) return {};
  return ReportRefused{.device = envelope.device,
                       .address = envelope.reverse_path,
                       .at = policy::RefusedAt::here,
                       .reply = {550, "5.1.1", "Nobody here has that address"},
                       .queue_id = message.id};
}

// Of an address elsewhere policyd has said the domain in A-labels.
spf::Identity identity_of(const queue::Stranger& stranger, const std::string& sender,
                          const Recipient& recipient) {
  const auto address = policy::parse_address(sender).value_or(policy::Address{});
  return {.client = stranger.address,
          .helo = stranger.helo,
          .local = address.local,
          .domain = recipient.domain.empty() ? address.domain : recipient.domain};
}

// Strangers get no content back: what they have not sent must not reach them by way of us: V16.  A
// message under REQUIRETLS goes back as its header, under REQUIRETLS (RFC 8689 section 5).
dsn::Return part_of(const ReportedMessage& message, std::uint64_t full_size, bool failed) {
  const queue::Envelope& envelope = message.envelope;
  const bool whole = failed && message.size <= full_size && is_sender_known(envelope) &&
                     envelope.tls != routing::SenderTls::required &&
                     envelope.ret != static_cast<std::uint8_t>(ReturnContent::headers);
  return whole ? dsn::Return::whole : dsn::Return::header;
}

}  // namespace

struct ReportDesk::Job {
  ReportedMessage message;
  queue::Status settles;  // with a durable report
  dsn::Action action = dsn::Action::failed;
  std::vector<dsn::Recipient> recipients;
  Done done;
  std::string to;                        // the sender, or the postmaster
  std::optional<ReportRefused> refusal;  // policyd has to hear of it first
  bool double_bounce = false;
  bool waiting = false;   // for retry()
  bool checking = false;  // for SPF
  unsigned tries = 0;
  std::optional<std::string> content;  // of the message, as far as it may go back; nothing: not kept
};

ReportDesk::ReportDesk(event::Loop& loop, queue::Queue& queue, const Config& config, Resolve resolve,
                       TellRefusal tell_refusal, CheckSender check_sender, OwnMail::OnAccepted on_accepted)
    : queue_{queue}, config_{config}, resolve_{std::move(resolve)}, tell_refusal_{std::move(tell_refusal)},
      check_sender_{std::move(check_sender)}, own_mail_{queue, std::move(on_accepted)}, retry_{loop, [this] {
                                                                                                 retry();
                                                                                               }} {}

ReportDesk::~ReportDesk() = default;

bool ReportDesk::has_room() const { return jobs_.size() < kFewJobs; }

bool ReportDesk::is_quiet() const {
  return std::ranges::all_of(jobs_, [](const Job& job) { return job.waiting || job.checking; });
}

void ReportDesk::failed(const ReportedMessage& message, Targets targets, Done done) {
  begin(message, targets, dsn::Action::failed, Expired::no, std::move(done));
}

void ReportDesk::expired(const ReportedMessage& message, Targets targets, Done done) {
  begin(message, targets, dsn::Action::failed, Expired::yes, std::move(done));
}

void ReportDesk::delayed(const ReportedMessage& message, Targets targets, Done done) {
  begin(message, targets, dsn::Action::delayed, Expired::no, std::move(done));
}

void ReportDesk::delivered(const ReportedMessage& message, Targets targets, Done done) {
  begin(message, targets, dsn::Action::delivered, Expired::no, std::move(done));
}

void ReportDesk::relayed(const ReportedMessage& message, Targets targets, Done done) {
  begin(message, targets, dsn::Action::relayed, Expired::no, std::move(done));
}

// ---- who is told

std::string ReportDesk::postmaster() const {
  return "postmaster@" + (config_.domains.empty() ? config_.hostname : config_.domains.front());
}

void ReportDesk::begin(const ReportedMessage& message, const Targets& targets, dsn::Action action,
                       Expired expired, Done done) {
  auto recipients = wanted(message, targets, action, expired == Expired::yes);
  if (recipients.empty()) return done(ReportResult::settled);
  if (jobs_.size() >= kMaxJobs) return done(ReportResult::impossible);
  const auto job = jobs_.emplace(jobs_.end(), Job{.message = message,
                                                  .settles = settled_by(action, message.id, targets),
                                                  .action = action,
                                                  .recipients = std::move(recipients),
                                                  .done = std::move(done),
                                                  .to = message.envelope.reverse_path,
                                                  .content = {}});
  std::string content = read_content(message);
  const bool is_answer = dsn::is_answer(content, config_.hostname);
  keep(*job, std::move(content));
  const bool has_failed = action == dsn::Action::failed && expired == Expired::no;
  if (has_failed) job->refusal = refusal_of(message, targets);
  if (job->refusal) return tell_refusal(job);
  if (job->to.empty() || is_answer) return nobody(job);
  resolve(job);
}

void ReportDesk::tell_refusal(Jobs::iterator job) {
  tell_refusal_(*job->refusal, [this, job](const RefusalNoted* answer) {
    if (answer == nullptr || answer->unavailable) return later(job);
    job->refusal.reset();
    nobody(job);
  });
}

void ReportDesk::resolve(Jobs::iterator job) {
  resolve_(job->to, [this, job](const AddressResolved* answer) { resolved(job, answer); });
}

void ReportDesk::resolved(Jobs::iterator job, const AddressResolved* answer) {
  if (answer == nullptr || answer->unavailable) return later(job);
  if (leads_somewhere(answer->recipient)) {
    if (!may_tell(*job, answer->recipient)) return end(job, ReportResult::settled);
    return tell(job, answer->recipient);
  }
  if (job->double_bounce) return drop(job, "there is no postmaster", ReportResult::impossible);
  if (job->action == dsn::Action::failed) job->refusal = refusal_without_report(job->message);
  job->refusal ? tell_refusal(job) : nobody(job);
}

// SPF knows nothing of who handed on what another has sent.
bool ReportDesk::is_exempt(const queue::Stranger& stranger) const {
  return std::ranges::any_of(config_.queued.spf_exempt,
                             [&](const IpNetwork& network) { return network.contains(stranger.address); });
}

void ReportDesk::tell(Jobs::iterator job, const Recipient& recipient) {
  const auto& stranger = job->message.envelope.stranger;
  if (!stranger || job->double_bounce || is_exempt(*stranger)) return send(job, recipient);
  job->checking = true;
  check_sender_(identity_of(*stranger, job->to, recipient),
                [this, job, recipient](const SenderVerdict& verdict) {
                  job->checking = false;
                  verdict.result == spf::Result::fail ? suppress(job, verdict) : send(job, recipient);
                });
}

void ReportDesk::suppress(Jobs::iterator job, const SenderVerdict& verdict) {
  log::write("report-suppressed", {{"about", queue::id_text(job->message.id)},
                                   {"recipient", job->to},
                                   {"action", dsn::action_name(job->action)},
                                   {"client", job->message.envelope.stranger->address.text()},
                                   {"domain", verdict.domain},
                                   {"reason", verdict.directive}});
  nobody(job);
}

// Nobody has the sender's address, or is to be told by it.
void ReportDesk::nobody(Jobs::iterator job) {
  if (job->action != dsn::Action::failed) return end(job, ReportResult::settled);
  const queue::Envelope& envelope = job->message.envelope;
  const bool to_postmaster =
      is_report(envelope) && std::ranges::all_of(envelope.recipients, [&](const auto& recipient) {
        return recipient.address == postmaster();
      });
  if (config_.queued.double_bounce == DoubleBounce::drop)
    return drop(job, "queued.double-bounce", ReportResult::settled);
  if (to_postmaster) return drop(job, "the postmaster cannot be told", ReportResult::impossible);
  job->double_bounce = true;
  job->to = postmaster();
  resolve(job);
}

// A warning about a delay is a courtesy: to those who wrote from here, and not to who may never have written.
bool ReportDesk::may_tell(const Job& job, const Recipient& recipient) const {
  return job.action != dsn::Action::delayed || is_sender_known(job.message.envelope) ||
         !recipient.accounts.empty();
}

// ---- what they are told

// The whole message where it may go back, and otherwise the beginning that holds its header.
std::string ReportDesk::read_content(const ReportedMessage& message) {
  const std::uint64_t most =
      std::max<std::uint64_t>(config_.queued.report_full_size, dsn::kMaxReturnedHeader);
  std::string content;
  const auto read = queue_.read_content(message.id, [&](std::string_view bytes) {
    content += bytes.substr(0, static_cast<std::size_t>(most) - content.size());
  });
  if (!read && read.error() == queue::ReadProblem::damaged) content.clear();
  return content;
}

void ReportDesk::keep(Job& job, std::string&& content) {
  if (kept_octets_ + content.size() > kMaxKeptOctets) return;
  kept_octets_ += content.size();
  job.content = std::move(content);
}

// What was kept, and no longer is.
std::optional<std::string> ReportDesk::let_go(Job& job) {
  if (job.content) kept_octets_ -= job.content->size();
  return std::exchange(job.content, {});
}

dsn::Report ReportDesk::report_of(const Job& job, const std::string& id) const {
  return {.host = config_.hostname,
          .from = postmaster(),
          .recipient = job.to,
          .id = id,
          .now = seconds(microseconds_now()),
          .arrived = seconds(job.message.arrived),
          .tried_until = job.action == dsn::Action::delayed ? seconds(job.message.expires) : 0,
          .envid = job.message.envelope.envid,
          .tls_optional = job.message.envelope.tls == routing::SenderTls::optional,
          .recipients = job.recipients};
}

void ReportDesk::send(Jobs::iterator job, const Recipient& recipient) {
  const QueueId id = own_mail_.new_id();
  const bool local = !recipient.accounts.empty();
  const dsn::Return part =
      part_of(job->message, config_.queued.report_full_size, job->action == dsn::Action::failed);
  auto kept = let_go(*job);
  const std::string content = kept ? std::move(*kept) : read_content(job->message);
  const dsn::Composed composed = dsn::compose(report_of(*job, queue::id_text(id)), {content, part},
                                              local ? dsn::Transport::eight_bit : dsn::Transport::seven_bit);
  queue::Envelope envelope;
  if (job->action == dsn::Action::failed && !job->double_bounce) mark(envelope, job->message);
  envelope.smtputf8 = composed.smtputf8;
  if (!local) envelope.tls = job->message.envelope.tls;
  if (composed.eight_bit) envelope.body = static_cast<std::uint8_t>(BodyType::eight_bit_mime);
  own_mail_.send(
      id, std::move(envelope), recipient, composed.content,
      [this, job](QueueId report) { sent(job, report); }, job->settles);
}

void ReportDesk::sent(Jobs::iterator job, QueueId report) {
  if (report == 0) return later(job);
  log::write("report-queued", {{"queue", queue::id_text(report)},
                               {"about", queue::id_text(job->message.id)},
                               {"recipient", job->to},
                               {"action", dsn::action_name(job->action)}});
  end(job, ReportResult::settled);
}

// ---- ends

void ReportDesk::later(Jobs::iterator job) {
  if (++job->tries >= kMaxTries) return give_up(job);
  let_go(*job);
  job->waiting = true;
  if (!std::exchange(retrying_, true)) retry_.start(kRetry);
}

// Of a failure somebody must know; a success has the lifetime that a message has.
void ReportDesk::give_up(Jobs::iterator job) {
  if (!is_owed(job->action)) return drop(job, "it could not be made", ReportResult::impossible);
  if (microseconds_now() < job->message.expires)
    return drop(job, "it could not be made, and will be tried again", ReportResult::impossible);
  drop(job, "it could not be made in the lifetime of the message", ReportResult::settled);
}

void ReportDesk::retry() {
  retrying_ = false;
  for (auto job = jobs_.begin(); job != jobs_.end();) {
    const auto next = std::next(job);
    if (std::exchange(job->waiting, false)) job->refusal ? tell_refusal(job) : resolve(job);
    job = next;
  }
}

void ReportDesk::drop(Jobs::iterator job, const char* reason, ReportResult result) {
  log::write("report-dropped", {{"about", queue::id_text(job->message.id)},
                                {"recipient", job->to},
                                {"action", dsn::action_name(job->action)},
                                {"reason", reason}});
  end(job, result);
}

void ReportDesk::end(Jobs::iterator job, ReportResult result) {
  const Done done = std::move(job->done);
  let_go(*job);
  jobs_.erase(job);
  done(result);
}

}  // namespace mailroom::queued
