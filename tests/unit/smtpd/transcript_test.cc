#include <catch2/catch.hpp>

#include <string>

#include "tests/transcripts/every.h"
#include "tests/unit/smtpd/fakes.h"

using namespace mailroom;
using transcript::ScriptStream;
using transcript::Transcript;

namespace {

SmtpFacts facts_of(const Transcript& transcript) {
  SmtpFacts facts;
  facts.hostname = "mail.local.example";
  const std::string service = transcript.setting("service", "mx");
  facts.service = service == "submission" ? Service::submission
                  : service == "relay"    ? Service::relay
                                          : Service::mx;
  facts.old_tls_for_devices = transcript.settings.contains("old-tls-for-devices");
  const std::string tls = transcript.setting("tls", "starttls");
  facts.tls = tls == "none" ? TlsMode::none : tls == "implicit" ? TlsMode::implicit : TlsMode::starttls;
  const std::string login = transcript.setting("login", "never");
  facts.login = login == "always"     ? LoginOffer::always
                : login == "with-tls" ? LoginOffer::with_tls
                                      : LoginOffer::never;
  facts.peer.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  facts.client_spoke_first = transcript.settings.contains("client-spoke-first");
  facts.describe_tls = [] { return TlsDescription{"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519"}; };
  const auto number = [&](const char* name, std::uint64_t otherwise) {
    return std::stoull(transcript.setting(name, std::to_string(otherwise)));
  };
  facts.limits.max_message_size = number("max-message-size", 1'000'000);
  facts.limits.max_recipients = static_cast<std::uint32_t>(number("max-recipients", 100));
  facts.limits.max_messages = static_cast<std::uint32_t>(number("max-messages", 100));
  facts.limits.max_errors = static_cast<std::uint32_t>(number("max-errors", 20));
  facts.limits.max_idle_commands = static_cast<std::uint32_t>(number("max-idle-commands", 100));
  facts.limits.max_received = static_cast<std::uint32_t>(number("max-received", 50));
  return facts;
}

void run(const Transcript& transcript, ScriptStream::Pace pace) {
  const SmtpFacts facts = facts_of(transcript);
  Events events;
  ScriptStream stream{transcript, pace};
  FakePolicy policy{events};
  for (auto [word, end] = transcript.settings.equal_range("device-quirk"); word != end; ++word)
    REQUIRE(policy::take_quirk(word->second, policy.quirks));
  FakeSpool spool{events};
  FakeAuthenticator authenticator{events};
  FakeTls tls{stream};
  FakeClock clock;
  const std::string answer = transcript.setting("commit", "");
  if (!answer.empty()) {
    spool.answer = {static_cast<std::uint16_t>(std::stoi(answer)), answer.substr(4, 5), answer.substr(10)};
  }
  run_smtp(facts, {stream, policy, spool, authenticator, tls, clock});
  CHECK(stream.verdict() == "");
  if (!transcript.peer_events.empty()) CHECK(events == transcript.peer_events);
  const std::string received = transcript.setting("received", "");
  if (!received.empty()) CHECK(spool.received == transcript::unescape(received));
}

}  // namespace

TEST_CASE("SMTP transcripts") {
  silence_log();
  transcript::run_every(TRANSCRIPTS, run);
}
