#include "tests/unit/relayd/fake_server.h"

#include <algorithm>
#include <utility>

#include "libcommon/text/ascii.h"

namespace mailroom::relayd {
namespace {

class FakeLink : public Link, public Stream {
 public:
  FakeLink(FakeServer& server, FakeDialler& dialler) : server_{server}, dialler_{dialler} { server_.open(); }

  Stream& stream() override { return *this; }

  std::size_t read(std::span<char> into) override {
    if (server_.received.size() >= server_.told_at) {
      if (patience_ == std::chrono::milliseconds::zero()) throw Stopped{};
      told_ = true;
    }
    const std::string got = server_.output(into.size());
    if (got.empty() && !server_.closed()) {
      dialler_.clock.time = std::max(dialler_.clock.time, deadline_);
      throw StreamError{StreamError::Kind::timeout, "the deadline has passed"};
    }
    std::ranges::copy(got, into.begin());
    return got.size();
  }
  void write(std::string_view bytes) override {
    if (server_.closed()) throw StreamError{StreamError::Kind::closed, "send: Broken pipe"};
    server_.feed(bytes);
  }
  void set_deadline(Time deadline) override { deadline_ = deadline; }

  std::size_t read_arrived(std::span<char> into) override {
    if (server_.has_output()) return read(into);
    if (server_.closed()) throw StreamError{StreamError::Kind::closed, "the far side has closed"};
    return 0;
  }

  std::expected<TlsStarted, TlsProblem> start_tls(const routing::TlsRequirement& required,
                                                  Time deadline) override {
    dialler_.required.push_back(required);
    dialler_.tls_deadlines.push_back(deadline);
    if (!dialler_.tls_outcomes.empty()) {
      const auto outcome = dialler_.tls_outcomes.front();
      dialler_.tls_outcomes.pop_front();
      if (outcome && dialler_.tls_stalls) dialler_.clock.time = std::max(dialler_.clock.time, deadline);
      if (outcome) return std::unexpected(*outcome);
    }
    server_.start_tls();
    return TlsStarted{"TLSv1.3 fake", dialler_.tls_trouble};
  }

  void set_patience(std::chrono::milliseconds patience) override { patience_ = patience; }
  bool is_told_to_end() const override { return told_; }

  void close() noexcept override {}

 private:
  FakeServer& server_;
  FakeDialler& dialler_;
  std::chrono::milliseconds patience_{0};
  bool told_ = false;
  Time deadline_{};
};

std::string path_of(const std::string& line) {
  const std::size_t begin = line.find('<');
  return line.substr(begin + 1, line.find('>') - begin - 1);
}

char class_of(const std::string& raw) {
  const std::size_t line = raw.rfind("\r\n", raw.size() < 3 ? 0 : raw.size() - 3);
  const std::size_t begin = line == std::string::npos ? 0 : line + 2;
  return begin < raw.size() ? raw[begin] : ' ';
}

}  // namespace

// ---- the server

std::string FakeServer::reply(const std::string& step, std::string ordinary) {
  std::string raw = std::move(ordinary);
  if (auto& queue = replies[step]; !queue.empty()) {
    raw = queue.front();
    queue.pop_front();
  }
  out_ += raw;
  return raw;
}

void FakeServer::open() { reply("connect", "220 mx.example ESMTP\r\n"); }

void FakeServer::start_tls() {
  tls = true;
  in_.clear();
}

void FakeServer::feed(std::string_view octets) {
  octets = octets.substr(0, cut_received - std::min(cut_received, received.size()));
  received += octets;
  in_ += octets;
  if (received.size() >= early_at && !early.empty()) out_ += std::exchange(early, {});
  work();
  if (received.size() >= cut_received) closed_ = true;
}

std::string FakeServer::output(std::size_t limit) {
  limit = std::min(limit, cut_sent - std::min(cut_sent, sent_));
  std::string part = out_.substr(0, limit);
  out_.erase(0, part.size());
  sent_ += part.size();
  if (sent_ >= cut_sent) {
    out_.clear();
    closed_ = true;
  }
  return part;
}

void FakeServer::work() {
  while (step()) {
  }
}

bool FakeServer::step() {
  if (in_chunk_) {
    if (in_.size() < chunk_) return false;
    content_ = in_.substr(0, chunk_);
    in_.erase(0, chunk_);
    in_chunk_ = false;
    finish();
    return true;
  }
  const std::size_t end = in_.find("\r\n");
  if (end == std::string::npos) return false;
  const std::string line = in_.substr(0, end);
  in_.erase(0, end + 2);
  if (!in_data_) {
    command(line);
  } else if (line == ".") {
    in_data_ = false;
    finish();
  } else {
    content_ += (line.starts_with('.') ? line.substr(1) : line) + "\r\n";
  }
  return true;
}

void FakeServer::command(const std::string& line) {
  const std::string verb = line.substr(0, line.find(' '));
  if (verb == "EHLO" || verb == "LHLO" || verb == "HELO") return hello(verb);
  if (verb == "MAIL" || verb == "RCPT") return envelope(verb, line);
  if (verb == "BDAT") return bdat(line);
  if (verb == "DATA") {
    content_.clear();
    in_data_ =
        class_of(reply("DATA", recipients_.empty() ? "503 5.5.1 No recipients\r\n" : "354 Go on\r\n")) == '3';
    return;
  }
  if (verb == "RSET") {
    has_sender_ = false;
    recipients_.clear();
  }
  reply(verb, verb == "STARTTLS" ? "220 Go on\r\n" : verb == "AUTH" ? "235 Ok\r\n" : "250 2.0.0 Ok\r\n");
}

void FakeServer::hello(const std::string& verb) {
  std::string lines = "250-mx.example\r\n";
  if (verb != "HELO")
    for (const std::string& each : tls && !tls_extensions.empty() ? tls_extensions : extensions)
      lines += "250-" + each + "\r\n";
  lines[lines.rfind("250-") + 3] = ' ';
  reply(verb, lines);
}

void FakeServer::envelope(const std::string& verb, const std::string& line) {
  const bool in_order = verb == "MAIL" || has_sender_;
  const bool ok = class_of(reply(verb, in_order ? "250 2.1.0 Ok\r\n" : "503 5.5.1 MAIL first\r\n")) == '2';
  if (!ok) return;
  if (verb == "RCPT") return recipients_.push_back(path_of(line));
  sender_ = path_of(line);
  has_sender_ = true;
  recipients_.clear();
}

void FakeServer::bdat(const std::string& line) {
  chunk_ = std::stoul(line.substr(5));
  in_chunk_ = true;
}

void FakeServer::finish() {
  if (recipients_.empty()) {
    saw_end_after_refusals = content_.empty();
    reply("content", "554 5.5.1 No valid recipients\r\n");
    return;
  }
  std::vector<std::string> taken_by;
  for (const std::string& recipient : recipients_) {
    if (lmtp && class_of(reply("content", "250 2.0.0 Taken\r\n")) == '2') taken_by.push_back(recipient);
  }
  if (!lmtp && class_of(reply("content", "250 2.0.0 Taken\r\n")) == '2') taken_by = recipients_;
  if (!taken_by.empty()) taken.push_back({sender_, taken_by, content_});
  has_sender_ = false;
  recipients_.clear();
}

// ---- the bench

std::expected<std::unique_ptr<Link>, std::string> FakeDialler::next() {
  FakeServer* const server = next_ < servers_.size() ? servers_[next_++] : nullptr;
  if (server == nullptr) return std::unexpected("Connection refused");
  return std::make_unique<FakeLink>(*server, *this);
}

std::expected<std::unique_ptr<Link>, std::string> FakeDialler::connect(const IpAddress& address, Link::Time) {
  dialled.push_back(address.text());
  return next();
}

std::expected<std::unique_ptr<Link>, std::string> FakeDialler::connect_unix(const std::string& name,
                                                                            Link::Time) {
  dialled.push_back(name);
  return next();
}

IpAddress address(std::uint8_t last) {
  IpAddress address;
  address.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last};
  address.port = 25;
  return address;
}

std::variant<Connected, NotConnected> Bench::connect(routing::Protocol protocol, routing::TlsRequirement tls,
                                                     std::size_t hops, bool authenticate) {
  Connect request{protocol, {}, authenticate};
  for (std::size_t i = 0; i < hops; ++i)
    request.hops.push_back(
        {"mx" + std::to_string(i + 1) + ".example", {address(static_cast<std::uint8_t>(i + 1))}, tls});
  return client.connect(request);
}

Send message_for(const std::vector<std::string>& recipients) {
  Send message{.queue_id = 7,
               .reverse_path = "from@here.example",
               .mail = {},
               .recipients = {},
               .content = {},
               .memfd_size = 0};
  for (const std::string& recipient : recipients)
    message.recipients.push_back(
        {static_cast<std::uint32_t>(message.recipients.size() + 1), recipient, 0, {}});
  message.content = "Subject: test\r\n\r\nText.\r\n.dots\r\n";
  return message;
}

}  // namespace mailroom::relayd
