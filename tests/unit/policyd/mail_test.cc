#include "tests/unit/policyd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;

TEST_CASE("mail for an account is authorised before it is accepted") {
  Policyd p;
  const AccountId alice = p.add("alice");
  auto child = p.open_smtp(p.mx, 1, Service::mx);
  child.send(question(1, "stranger@example.net", "Alice@Example.org"));
  p.pump();
  const auto envelope = p.queued.next_as<AuthoriseRecipient>();
  REQUIRE(envelope);
  CHECK_FALSE(child.next());  // not before queued holds it
  CHECK(envelope->connection == 1);
  CHECK(envelope->transaction == 1);
  CHECK(envelope->reverse_path == "stranger@example.net");
  CHECK(envelope->submitter.empty());
  CHECK(envelope->authors.empty());
  CHECK(envelope->recipient.address == "Alice@Example.org");
  CHECK(envelope->recipient.accounts == std::vector<AccountId>{alice});

  p.queued.send(Authorised{1, 1, 42, {}});
  p.pump();
  const auto verdict = child.next_as<mailroom::Verdict>();
  REQUIRE(verdict);
  CHECK(verdict->reply.code == 250);
  CHECK(verdict->queue_id == 42);
  CHECK(verdict->rule == "local-recipient");
}

TEST_CASE("detail, aliases, every-domain aliases and postmaster lead to their accounts") {
  Policyd p;
  const AccountId alice = p.add("alice"), bob = p.add("bob"), carol = p.add("carol+list");
  p.ask(SetAlias{"staff@example.org", {"alice", "bob"}});
  p.ask(SetAlias{"Sales@", {"bob"}});
  auto child = p.open_smtp(p.mx, 1, Service::mx);
  TransactionId transaction = 0;
  const auto targets = [&](const std::string& to) {
    p.last_envelope.reset();
    p.check(child, question(++transaction, "", to));
    return p.last_envelope ? p.last_envelope->recipient.accounts : std::vector<AccountId>{};
  };
  using Ids = std::vector<AccountId>;
  CHECK(targets("alice+shop@cs.example.org") == Ids{alice});
  CHECK(targets("staff@example.org") == Ids{alice, bob});
  CHECK(targets("staff+x@example.org") == Ids{alice, bob});
  CHECK(targets("staff@cs.example.org") == Ids{});
  CHECK(targets("sales@cs.example.org") == Ids{bob});
  CHECK(targets("carol+list@example.org") == Ids{carol});
  CHECK(targets("carol+list+x@example.org") == Ids{carol});
  CHECK(targets("carol@example.org") == Ids{});
  CHECK(p.check(child, question(++transaction, "", "postmaster@example.org")).reply.enhanced == "4.3.5");
  const AccountId postmaster = p.add("postmaster");
  CHECK(targets("PostMaster") == Ids{postmaster});
  CHECK(targets("postmaster@cs.example.org") == Ids{postmaster});
}

TEST_CASE("nobody relays by any form of address (SECURITY.md V17)") {
  Policyd p;
  p.add("alice");
  const std::vector<std::string> forms = relay_forms();
  REQUIRE(forms.size() == 18);
  auto child = p.open_smtp(p.mx, 1, Service::mx);
  TransactionId transaction = 0;
  for (const std::string& form : forms) {
    CAPTURE(form);
    const auto verdict = p.check(child, question(++transaction, "stranger@example.net", form));
    CHECK((verdict.reply.code == 550 || verdict.reply.code == 501));
    if (verdict.reply.code == 550) CHECK(verdict.reply.enhanced == "5.7.1");
    CHECK(verdict.queue_id == 0);
  }
  CHECK_FALSE(p.last_envelope);  // nothing reached the queue

  // Nor at the other listeners, by a stranger who says that it is ours; the relay asks the DNS first.
  ConnectionId connection = 10;
  for (auto [listener, service] :
       {std::pair{&p.mx, Service::mx}, std::pair{&p.submission, Service::submission},
        std::pair{&p.outgoing, Service::outgoing}, std::pair{&p.relay, Service::relay}}) {
    auto stranger = p.open_smtp(*listener, ++connection, service);
    for (const std::string& form : forms) {
      CAPTURE(form, service_name(service));
      CHECK(p.check(stranger, question(++transaction, "alice@example.org", form)).reply.code >= 450);
    }
  }
  CHECK_FALSE(p.last_envelope);

  // None of them can be a logged-in account's sender; where it may send, it is to the domain that the form
  // says.
  auto own = p.open_smtp(p.submission, 2, Service::submission);
  p.prove_submission(2, "alice");
  const std::set<std::string> domains{"evil.org", "xn--e1awd7f.org", "[192.0.2.1]", "[127.0.0.1]",
                                      "[ipv6:::1]"};
  for (const std::string& form : forms) {
    CAPTURE(form);
    CHECK(p.check(own, question(++transaction, form, "alice@example.org")).reply.code >= 500);
    CHECK_FALSE(p.last_envelope);
    if (p.check(own, question(++transaction, "alice@example.org", form)).reply.code < 400)
      CHECK(domains.contains(p.last_envelope->recipient.domain));
    p.last_envelope.reset();
  }
}

TEST_CASE("hostile local parts are unknown, not special") {
  Policyd p;
  p.add("root");
  auto child = p.open_smtp(p.mx, 1, Service::mx);
  TransactionId transaction = 0;
  for (const char* to : {"|/bin/sh@example.org", "/etc/passwd@example.org", "-froot@example.org",
                         "--@example.org", "\":include:/etc/passwd\"@example.org", "root/x@example.org",
                         "\"root@\"@example.org", "`id`@example.org", "${run}@example.org"}) {
    CAPTURE(to);
    CHECK(p.check(child, question(++transaction, "a@example.net", to)).reply.code >= 500);
  }
  CHECK_FALSE(p.last_envelope);
}

TEST_CASE("an account sends as itself only") {
  Policyd p;
  p.add("alice");
  p.add("bob");
  p.ask(SetAlias{"staff@example.org", {"alice"}});
  auto child = p.open_smtp(p.submission, 1, Service::submission);
  CHECK(p.check(child, question(1, "alice@example.org", "bob@example.org")).reply.code == 530);
  p.prove_submission(1, "alice");
  TransactionId transaction = 1;
  for (const char* from : {"alice@example.org", "ALICE+x@cs.example.org", "staff@example.org", ""}) {
    CAPTURE(from);
    CHECK(p.check(child, question(++transaction, from, "bob@example.org")).reply.code == 250);
    CHECK(p.last_envelope->submitter == "alice");
    CHECK(p.last_envelope->authors == std::vector<std::string>{"alice@", "staff@example.org"});
  }
  for (const char* from :
       {"bob@example.org", "alice@example.net", "staff@cs.example.org", "postmaster@example.org"}) {
    CAPTURE(from);
    const auto verdict = p.check(child, question(++transaction, from, "bob@example.org"));
    CHECK(verdict.reply.code == 550);
    CHECK(verdict.rule == "sender-not-own");
    CHECK(verdict.reply.text.find("<alice@example.org>") != std::string::npos);
  }
  child.send(CheckSender{9, "bob@example.org"});
  p.pump();
  CHECK(child.next_as<mailroom::Verdict>()->reply.code == 550);
  child.send(CheckSender{9, "alice@example.org"});
  p.pump();
  CHECK(child.next_as<mailroom::Verdict>()->reply.code == 250);
}

TEST_CASE("a login on the submission listener gives nothing to other connections") {
  Policyd p;
  p.add("alice");
  auto first = p.open_smtp(p.submission, 1, Service::submission);
  auto second = p.open_smtp(p.submission, 2, Service::submission);
  p.prove_submission(1, "alice");
  CHECK(p.check(second, question(1, "alice@example.org", "alice@example.org")).reply.code == 530);
  p.submission.send(ConnectionClosed{1});
  p.pump();
  auto again = p.open_smtp(p.submission, 1, Service::submission);  // were the id ever used again
  CHECK(p.check(again, question(1, "alice@example.org", "alice@example.org")).reply.code == 530);
}

TEST_CASE("an account that is switched off, changed or removed sends no more") {
  Policyd p;
  p.add("alice");
  auto child = p.open_smtp(p.submission, 1, Service::submission);
  p.prove_submission(1, "alice");
  SECTION("disabled") { p.ask(ChangeAccount{.name = "alice", .disabled = true}); }
  SECTION("service off") { p.ask(ChangeAccount{.name = "alice", .services = state::kPop}); }
  SECTION("removed") { p.ask(RemoveAccount{"alice"}); }
  SECTION("new password") {
    p.authd.send(SecretChanged{"alice"});
    p.pump();
  }
  CHECK(child.is_closed());
}

TEST_CASE("twenty unknown recipients are enough") {
  Policyd p;
  p.add("alice");
  auto child = p.open_smtp(p.mx, 1, Service::mx);
  for (unsigned i = 0; i < policy::kMaxUnknownRecipients; ++i)
    CHECK(p.check(child, question(1, "", "nobody" + std::to_string(i) + "@example.org")).reply.enhanced ==
          "5.1.1");
  CHECK(p.check(child, question(1, "", "alice@example.org")).reply.code == 421);
}

TEST_CASE("a transaction has a bounded number of recipients") {
  Policyd p;
  p.add("alice");
  p.launch.config.smtpd.max_recipients = 2;
  p.server->reconfigured();
  auto child = p.open_smtp(p.mx, 1, Service::mx);
  CHECK(p.check(child, question(1, "a@client.test", "alice@example.org")).reply.code == 250);
  CHECK(p.check(child, question(1, "a@client.test", "alice+a@example.org")).reply.code == 250);
  CHECK(p.check(child, question(1, "a@client.test", "alice+b@example.org")).reply.code == 452);
  CHECK(p.check(child, question(2, "a@client.test", "alice+b@example.org")).reply.code == 250);
}

TEST_CASE("an envelope is withdrawn by a new transaction, a reset, and the end of its connection") {
  Policyd p;
  p.add("alice");
  auto child = p.open_smtp(p.mx, 1, Service::mx);
  p.check(child, question(1, "", "alice@example.org"));
  SECTION("a new transaction") {
    child.send(question(2, "", "alice@example.org"));
    p.pump();
    CHECK(p.queued.next_as<WithdrawEnvelope>());
    CHECK(p.queued.next_as<AuthoriseRecipient>());
    return;
  }
  SECTION("reset") { child.send(ResetTransaction{}); }
  SECTION("its process ended") { child.close(); }
  SECTION("the listener closed it") { p.mx.send(ConnectionClosed{1}); }
  SECTION("the listener is gone") { p.mx.close(); }
  p.pump();
  CHECK(p.queued.next_as<WithdrawEnvelope>());
  p.mx.close();
  p.pump();
  CHECK_FALSE(p.queued.next());  // once
}

TEST_CASE("without the queue nothing is accepted") {
  Policyd p{{.verdict = std::chrono::seconds{10}, .authorise = std::chrono::milliseconds{300}}};
  p.add("alice");
  auto child = p.open_smtp(p.mx, 1, Service::mx);
  SECTION("it is away") {
    p.queued.close();
    p.pump();
    CHECK(p.check(child, question(1, "", "alice@example.org")).reply.code == 451);
  }
  SECTION("it goes away") {
    child.send(question(1, "", "alice@example.org"));
    p.pump();
    p.queued.close();
    p.pump();
    CHECK(child.next_as<mailroom::Verdict>()->reply.code == 451);
  }
  SECTION("it does not answer, or too late") {
    child.send(question(1, "", "alice@example.org"));
    p.pump(std::chrono::milliseconds{600});
    CHECK(child.next_as<mailroom::Verdict>()->reply.code == 451);
    CHECK(p.queued.next_as<AuthoriseRecipient>());
    CHECK(p.queued.next_as<WithdrawEnvelope>());
    p.queued.send(Authorised{1, 1, 5, {}});
    p.pump();
    CHECK_FALSE(child.next());
    CHECK(p.check(child, question(1, "", "alice@example.org")).reply.code == 451);  // the whole transaction
    CHECK(p.check(child, question(2, "", "alice@example.org")).reply.code == 250);
  }
  SECTION("it refuses") {
    child.send(question(1, "", "alice@example.org"));
    p.pump();
    p.queued.send(Authorised{1, 1, 0, {452, "4.3.1", "no space"}});
    p.pump();
    const auto verdict = child.next_as<mailroom::Verdict>();
    CHECK(verdict->reply.code == 452);
    CHECK(verdict->queue_id == 0);
  }
  SECTION("it was started afresh between two recipients") {
    CHECK(p.check(child, question(1, "a@client.test", "alice@example.org")).reply.code == 250);
    p.queued = p.attach<Queued>("policyd-queued", "queued#2");
    CHECK(p.check(child, question(1, "a@client.test", "alice+x@example.org")).reply.code == 451);
    CHECK(p.check(child, question(2, "", "alice+x@example.org")).reply.code == 250);
  }
}

TEST_CASE("a connection that asks and never reads is cut off") {
  Policyd p;
  auto twin = p.open_smtp(p.mx, 1, Service::mx);
  bool cut = false;
  for (int i = 0; i < 1000 && !cut; ++i) {
    for (int j = 0; j < 32; ++j) twin.send(CheckSender{1, "not an address"});
    p.pump(std::chrono::milliseconds{1});
    cut = p.log().find("it does not read its answers") != std::string::npos;
  }
  CHECK(cut);
}

TEST_CASE("a hostile smtp process: every move out of turn ends its channel, and nothing else") {
  Policyd p;
  p.add("alice");
  auto honest = p.open_smtp(p.mx, 1, Service::mx);
  auto twin = p.open_smtp(p.mx, 2, Service::mx);
  p.check(twin, question(5, "a@example.net", "alice@example.org"));
  p.log();
  const char* expected = "peer-misbehaved";
  SECTION("an earlier transaction") { twin.send(question(4, "a@example.net", "alice@example.org")); }
  SECTION("transaction zero") { twin.send(question(0, "a@example.net", "alice@example.org")); }
  SECTION("another sender in the same transaction") {
    twin.send(question(5, "b@example.net", "alice@example.org"));
  }
  SECTION("other parameters in the same transaction") {
    auto changed = question(5, "a@example.net", "alice@example.org");
    changed.mail.smtputf8 = true;
    twin.send(changed);
  }
  SECTION("a transaction that was reset") {
    twin.send(ResetTransaction{});
    twin.send(question(5, "a@example.net", "alice@example.org"));
  }
  SECTION("two questions at once") {
    twin.send(question(6, "a@example.net", "alice@example.org"));
    twin.send(question(6, "a@example.net", "alice+x@example.org"));
  }
  SECTION("a control character in ORCPT") {
    auto bad = question(6, "a@example.net", "alice@example.org");
    bad.recipient.orcpt = "rfc822;a\r\nroot";
    twin.send(bad);
  }
  SECTION("an ENVID without end") {
    auto bad = question(6, "a@example.net", "alice@example.org");
    bad.mail.envid = std::string(101, 'x');
    twin.send(bad);
  }
  SECTION("impossible NOTIFY") {
    auto bad = question(6, "a@example.net", "alice@example.org");
    bad.recipient.notify = 3;
    twin.send(bad);
  }
  SECTION("a path without end") { twin.send(question(6, std::string(300, 'a'), "alice@example.org")); }
  SECTION("garbage") { twin.send_raw("\xff\xff"); }
  SECTION("an empty packet's worth") { twin.send_raw(std::string(1, '\x01')); }
  p.pump();
  CHECK(p.logged(expected));
  while (twin.next()) {
  }
  CHECK(twin.is_closed());
  CHECK(p.check(honest, question(1, "a@example.net", "alice@example.org")).reply.code == 250);
}

TEST_CASE("domains of other scripts go out in A-labels; what has no such form is refused") {
  Policyd p;
  p.add("alice");
  auto child = p.open_smtp(p.submission, 1, Service::submission);
  p.prove_submission(1, "alice");
  CHECK(p.check(child, question(1, "alice@example.org",
                                "x@B\xc3\xbc"
                                "cher.example"))
            .reply.code == 250);
  CHECK(p.last_envelope->recipient.domain == "xn--bcher-kva.example");
  const auto refused = p.check(child, question(2, "alice@example.org", "x@xn--a.example"));
  CHECK(refused.reply.code == 553);
  CHECK(refused.reply.enhanced == "5.1.2");
}
