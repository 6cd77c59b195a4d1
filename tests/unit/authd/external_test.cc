// EXTERNAL: what authd asks of keyd and certd, and what it makes of their answers.
#include "libcommon/protocol/tls/handshake.h"
#include "tests/unit/authd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;

namespace {

using Keyd = FarEnd<KeydToAuthd, AuthdToKeyd>;
using Certd = FarEnd<CertdToAuthd, AuthdToCertd>;

constexpr ConnectionId kConnection = 7;
const policy::CertificateNames kAlice{std::string(64, 'a'), {"alice@example.edu"}, {}};

class WithCertificates : public Authd {
 public:
  WithCertificates() {
    launch.config.client_certificate.authorities_file = "/ca";
    launch.config.client_certificate.rules = {
        {policy::CertificateField::email, "*@example.edu", "*"},
        {policy::CertificateField::fingerprint, std::string(64, 'b'), "root"}};
    launch.config.domains = {"example.edu"};
    launch.config.authd.address_failures = 10;  // fewer than a connection may try
    start();
    keyd = attach<Keyd>("authd-keyd", "keyd#1");
    certd = attach<Certd>("authd-certd", "certd#1");
    child = open(kConnection);
  }

  void begin(std::optional<std::string> authzid, std::string handshake = "what was said") {
    child.send(SaslStart{"EXTERNAL", std::move(authzid), {}, std::move(handshake)});
  }
  ConnectionId asked(Keyd& which) {
    const auto question = wait_for([&] { return which.template next_as<WhatWasSigned>(); });
    REQUIRE(question);
    return question->connection;
  }
  void tell_signed(Keyd& which, bool is_signed) {
    std::optional<SignedHandshake> made;
    if (is_signed) made = SignedHandshake{{}, "signed", "signature"};
    which.send(WasSigned{kConnection, made});
  }
  CheckHandshake check() {
    const auto question = wait_for([&] { return certd.next_as<CheckHandshake>(); });
    REQUIRE(question);
    return *question;
  }
  // The whole of it, with keyd and certd saying yes.
  AuthdToConnection log_in_as(const std::string& authzid, const policy::CertificateNames& names = kAlice) {
    begin(authzid);
    asked(keyd);
    tell_signed(keyd, true);
    certd.send(CertificateProved{check().check, names});
    return finish(child);
  }

  Keyd keyd;
  Certd certd;
  Child child;
};

std::optional<std::string> success(const AuthdToConnection& answer) {
  const auto* succeeded = std::get_if<SaslSucceeded>(&answer);
  return succeeded == nullptr ? std::nullopt : std::optional{succeeded->name};
}

}  // namespace

TEST_CASE_METHOD(WithCertificates, "a certificate that certd finds proved is its account") {
  begin("");
  CHECK(asked(keyd) == kConnection);
  tell_signed(keyd, true);
  const CheckHandshake question = check();
  CHECK(question.handshake == "what was said");
  CHECK(question.made.to_be_signed == "signed");
  CHECK(question.made.signature == "signature");
  certd.send(CertificateProved{question.check, kAlice});
  CHECK(success(finish(child)) == "alice");
  REQUIRE(last_proved);
  CHECK(last_proved->connection == kConnection);
  CHECK(last_proved->name == "alice");
}

TEST_CASE_METHOD(WithCertificates, "without an initial response the client is asked for one") {
  begin(std::nullopt);
  const auto challenge = answer(child);
  REQUIRE(std::holds_alternative<SaslChallenge>(challenge));
  CHECK(std::get<SaslChallenge>(challenge).challenge.empty());
  child.send(SaslRespond{"alice"});
  asked(keyd);
  tell_signed(keyd, true);
  certd.send(CertificateProved{check().check, kAlice});
  CHECK(success(finish(child)) == "alice");
}

TEST_CASE_METHOD(WithCertificates, "the identity to act as is the certificate's own") {
  CHECK(success(log_in_as("alice@example.edu")) == "alice");
  const Child first = std::move(child);
  for (const char* other : {"bob", "root", "bob@example.edu", "alice@elsewhere.edu", "alice ", "../alice"}) {
    child =
        open(kConnection + 1 + static_cast<ConnectionId>(other[0]) * 256 + std::string_view{other}.size());
    child.send(SaslStart{"EXTERNAL", other, {}, "said"});
    const ConnectionId connection = asked(keyd);
    keyd.send(WasSigned{connection, SignedHandshake{}});
    certd.send(CertificateProved{check().check, kAlice});
    CHECK(refusal(finish(child)) == LoginRefusal::bad_credentials);
  }
}

TEST_CASE_METHOD(WithCertificates, "of several accounts the client names one") {
  const policy::CertificateNames both{"", {"alice@example.edu", "bob@example.edu"}, {}};
  CHECK(refusal(log_in_as("", both)) == LoginRefusal::bad_credentials);
  CHECK(success(log_in_as("bob", both)) == "bob");
}

TEST_CASE_METHOD(WithCertificates, "a certificate that no rule names is nobody's") {
  CHECK(refusal(log_in_as("", {std::string(64, 'c'), {"alice@elsewhere.edu"}, {"alice.example.edu"}})) ==
        LoginRefusal::bad_credentials);
  CHECK(success(log_in_as("", {std::string(64, 'b'), {}, {}})) == "root");
}

TEST_CASE_METHOD(WithCertificates, "what no keyd has signed proves nothing, and is no guess") {
  for (unsigned i = 0; i <= launch.config.authd.address_failures; ++i) {
    begin("alice");
    asked(keyd);
    tell_signed(keyd, false);
    CHECK(refusal(finish(child)) == LoginRefusal::unavailable);
    CHECK_FALSE(certd.next());
  }
  CHECK(success(log_in_as("alice")) == "alice");
}

TEST_CASE_METHOD(WithCertificates, "what certd does not find proved proves nothing") {
  begin("alice");
  asked(keyd);
  tell_signed(keyd, true);
  certd.send(CertificateRefused{check().check, "certificate has expired"});
  CHECK(refusal(finish(child)) == LoginRefusal::bad_credentials);
  CHECK_FALSE(last_proved);
}

TEST_CASE_METHOD(WithCertificates, "answers that nobody asked for are nothing") {
  certd.send(CertificateProved{1, kAlice});
  keyd.send(WasSigned{kConnection, SignedHandshake{}});
  begin("");
  asked(keyd);
  certd.send(CertificateProved{1, kAlice});  // before it was asked
  certd.send(CertificateProved{99, kAlice});
  tell_signed(keyd, true);
  const CheckId id = check().check;
  certd.send(CertificateProved{id + 1, {"", {"bob@example.edu"}, {}}});
  certd.send(CertificateRefused{id, "no"});
  certd.send(CertificateProved{id, kAlice});  // after its answer
  CHECK(refusal(finish(child)) == LoginRefusal::bad_credentials);
  CHECK_FALSE(last_proved);
}

TEST_CASE_METHOD(WithCertificates, "after a reload each keyd is asked") {
  Keyd second = attach<Keyd>("authd-keyd", "keyd#2");
  begin("");
  CHECK(asked(keyd) == kConnection);
  CHECK(asked(second) == kConnection);
  tell_signed(second, false);
  tell_signed(keyd, true);
  certd.send(CertificateProved{check().check, kAlice});
  CHECK(success(finish(child)) == "alice");
}

TEST_CASE_METHOD(WithCertificates, "with nobody to ask the client is told to try again") {
  certd = Certd{};
  pump();
  begin("");
  CHECK(refusal(answer(child)) == LoginRefusal::unavailable);
  certd = attach<Certd>("authd-certd", "certd#2");
  begin("");
  asked(keyd);
  tell_signed(keyd, true);
  check();
  certd = Certd{};
  CHECK(refusal(answer(child)) == LoginRefusal::unavailable);
}

TEST_CASE_METHOD(WithCertificates, "a client that gives up is forgotten") {
  begin("");
  asked(keyd);
  child = Child{};
  pump();
  tell_signed(keyd, true);
  pump();
  CHECK_FALSE(certd.next());
}

TEST_CASE_METHOD(WithCertificates, "what is no EXTERNAL message") {
  begin(std::string{"a\0b", 3});
  CHECK(refusal(answer(child)) == LoginRefusal::malformed);
  begin("", "");
  CHECK(refusal(answer(child)) == LoginRefusal::mechanism_unknown);
  begin("", std::string(tls::kMaxHandshake + 1, 'x'));
  wait_for([&] { return child.is_closed() ? std::optional{true} : std::nullopt; });
  CHECK(child.is_closed());
}

TEST_CASE_METHOD(Authd, "without authorities EXTERNAL is unknown") {
  Child child = open(kConnection);
  child.send(SaslStart{"EXTERNAL", "", {}, "said"});
  CHECK(refusal(answer(child)) == LoginRefusal::mechanism_unknown);
}
