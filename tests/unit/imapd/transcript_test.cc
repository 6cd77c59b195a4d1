#include <catch2/catch.hpp>

#include <fstream>

#include "daemons/imapd/preauth.h"
#include "tests/transcripts/every.h"
#include "tests/unit/imapd/fakes.h"

using namespace mailroom;
using transcript::ScriptStream;
using transcript::Transcript;

namespace {

imapd::PreauthFacts preauth_facts(const Transcript& transcript) {
  const std::string tls = transcript.setting("tls", "active");
  return {.hostname = "mail.example.org",
          .tls = tls == "none"        ? imapd::TlsState::none
                 : tls == "available" ? imapd::TlsState::available
                                      : imapd::TlsState::active,
          .plaintext_login = transcript.settings.contains("plaintext-login"),
          .max_errors = 10};
}

imapd::SessionFacts session_facts(const Transcript& transcript, imapd::ProvedLogin login) {
  return {.context = std::move(login.context),
          .pre_read = std::move(login.pre_read),
          .append_limit = std::stoull(transcript.setting("append-limit", "1000000")),
          .max_command_size = std::stoull(transcript.setting("max-command-size", "65536"))};
}

std::string message_octets(const std::string& name) {
  std::ifstream file{std::string{MESSAGES} + "/" + name, std::ios::binary};
  if (!file) throw std::runtime_error("no message " + name);
  std::string octets;
  for (char c = 0; file.get(c);) {
    if (c == '\n') octets += '\r';
    octets += c;
  }
  return octets;
}

// "@message plain.eml": into INBOX, in the order of the file names given; "@message seen plain.eml" with
// \Seen.
void add_messages(const Transcript& transcript, mailbox::Mailbox& mail) {
  const auto [first, last] = transcript.settings.equal_range("message");
  for (auto it = first; it != last; ++it) {
    const bool seen = it->second.starts_with("seen ");
    append_message(mail, "INBOX", message_octets(seen ? it->second.substr(5) : it->second),
                   seen ? mailbox::kSeen : mailbox::Flags{0});
  }
}

void run(const Transcript& transcript, ScriptStream::Pace pace) {
  Events events;
  ScriptStream stream{transcript, pace};
  FakeAuthenticator authenticator{events};
  FakeTls tls{stream, events};
  const TemporaryAccount account;
  mailbox::Mailbox mail = account.open();
  add_messages(transcript, mail);
  try {
    auto login = transcript.settings.contains("logged-in")
                     ? imapd::ProvedLogin{"in", ""}
                     : imapd::run_preauth(stream, preauth_facts(transcript), authenticator, tls);
    if (login) {
      ClientFirst wait;
      imapd::run_session(stream, mail, wait, session_facts(transcript, std::move(*login)));
    }
  } catch (const StreamError&) {
  }
  CHECK(stream.verdict() == "");
  if (!transcript.peer_events.empty()) CHECK(events == transcript.peer_events);
}

}  // namespace

TEST_CASE("IMAP transcripts") { transcript::run_every(TRANSCRIPTS, run); }
