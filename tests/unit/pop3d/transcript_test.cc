#include <catch2/catch.hpp>

#include <string>

#include "daemons/pop3d/preauth.h"
#include "daemons/pop3d/session.h"
#include "tests/transcripts/every.h"
#include "tests/transcripts/fakes.h"

using namespace mailroom;
using namespace mailroom::transcript;

namespace {

// @message UIDL CONTENT ... in order; an empty CONTENT is a message that another session has removed.
class FakeMaildrop : public pop3d::Maildrop {
 public:
  FakeMaildrop(const Transcript& transcript, Events& events) : events_{events} {
    const auto [first, last] = transcript.settings.equal_range("message");
    for (auto setting = first; setting != last; ++setting) {
      const std::size_t space = setting->second.find(' ');
      contents_.push_back(unescape(setting->second.substr(space + 1)));
      messages_.push_back({contents_.back().size(), setting->second.substr(0, space)});
    }
    const std::string fault = transcript.setting("open-fault", "");
    if (fault == "in-use") open_fault_ = pop3d::MaildropFault::in_use;
    if (fault == "permanent") open_fault_ = pop3d::MaildropFault::permanent;
    remove_fails_ = transcript.settings.contains("remove-fails");
  }

  std::expected<void, pop3d::MaildropFault> open() override {
    if (open_fault_) return std::unexpected(*open_fault_);
    return {};
  }
  const std::vector<pop3d::MaildropMessage>& messages() const override { return messages_; }
  std::expected<std::string_view, pop3d::MaildropFault> content(std::size_t index) override {
    if (contents_[index].empty()) return std::unexpected(pop3d::MaildropFault::gone);
    return contents_[index];
  }
  std::expected<void, pop3d::MaildropFault> remove(const std::vector<std::size_t>& indexes) override {
    if (remove_fails_) return std::unexpected(pop3d::MaildropFault::temporary);
    for (const std::size_t index : indexes) events_.push_back("removed " + messages_[index].uidl);
    return {};
  }

 private:
  Events& events_;
  std::vector<pop3d::MaildropMessage> messages_;
  std::vector<std::string> contents_;
  std::optional<pop3d::MaildropFault> open_fault_;
  bool remove_fails_ = false;
};

void run_before_login(const Transcript& transcript, ScriptStream& stream, Events& events) {
  const std::string tls = transcript.setting("tls", "available");
  const pop3d::PreauthFacts facts{
      .hostname = "mail.local.example",
      .tls = tls == "none"     ? pop3d::TlsState::none
             : tls == "active" ? pop3d::TlsState::active
                               : pop3d::TlsState::available,
      .plaintext_login = transcript.settings.contains("plaintext-login"),
      .max_errors = static_cast<std::uint32_t>(std::stoul(transcript.setting("max-errors", "10")))};
  FakeAuthenticator authenticator{events};
  FakeTls upgrade{stream};
  FakeClock clock;
  if (const auto proved = pop3d::run_preauth(stream, facts, authenticator, upgrade, clock)) {
    events.push_back("proved " + escape(proved->pre_read));
    if (!proved->context.empty()) events.push_back("notice " + proved->context);
  }
}

void run_after_login(const Transcript& transcript, ScriptStream& stream, Events& events) {
  FakeMaildrop maildrop{transcript, events};
  FakeClock clock;
  const pop3d::SessionFacts facts{
      .notice = transcript.setting("notice", ""),
      .pre_read = unescape(transcript.setting("pre-read", "")),
      .account = "user",
      .max_errors = static_cast<std::uint32_t>(std::stoul(transcript.setting("max-errors", "10")))};
  pop3d::run_session(stream, maildrop, facts, clock);
}

void run(const Transcript& transcript, ScriptStream::Pace pace) {
  Events events;
  ScriptStream stream{transcript, pace};
  try {
    if (transcript.setting("phase", "") == "session") {
      run_after_login(transcript, stream, events);
    } else {
      run_before_login(transcript, stream, events);
    }
  } catch (const StreamError& error) {
    events.push_back(error.kind == StreamError::Kind::timeout ? "timeout" : "client gone");
  }
  CHECK(stream.verdict() == "");
  if (!transcript.peer_events.empty()) CHECK(events == transcript.peer_events);
}

}  // namespace

TEST_CASE("POP3 transcripts") {
  silence_log();
  transcript::run_every(TRANSCRIPTS, run);
}
