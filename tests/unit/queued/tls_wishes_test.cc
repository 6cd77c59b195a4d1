// A sender's wishes about TLS (RFC 8689), with relayd and dnsd played by the test.
#include <catch2/catch.hpp>

#include "tests/unit/queued/relaying.h"

using namespace mailroom;
using namespace mailroom::queued;
using namespace mailroom::queued::test;

namespace {

QueueId send_with(System& system, ConnectionId connection, bool requiretls, const std::string& content,
                  const std::string& reverse_path = "sender@example.net") {
  ConnectionEnd client = system.connect(connection, Service::submission);
  system.policyd.send(AuthoriseRecipient{.connection = connection,
                                         .transaction = 1,
                                         .reverse_path = reverse_path,
                                         .mail = {.requiretls = requiretls},
                                         .submitter = "anna",
                                         .authors = {},
                                         .recipient = {"user@far.test", {}, "far.test", {}}});
  const QueueId id = std::get<Authorised>(*system.receive(system.policyd)).queue_id;
  client.send(Content{1, true, content});
  return system.reply(client).code == 250 ? id : 0;
}

constexpr const char* kPlain = "Subject: x\r\n\r\nBody\r\n";
constexpr const char* kOptional = "Subject: x\r\nTLS-Required: No\r\n\r\nBody\r\n";

}  // namespace

TEST_CASE("the sender's wish about TLS makes a destination of its own, after a restart too") {
  struct Row {
    bool requiretls;
    const char* content;
    const char* destination;
    bool told;
  };
  const Row row = GENERATE(values<Row>({
      {false, kPlain, "smtp:127.0.0.1:2525", false},
      {false, kOptional, "smtp:127.0.0.1:2525+tls-optional", false},
      {true, kPlain, "smtp:127.0.0.1:2525+requiretls", true},
      {true, kOptional, "smtp:127.0.0.1:2525+requiretls", true},
  }));
  INFO(row.destination);
  Relaying system{patient()};
  const QueueId id = send_with(system, 17, row.requiretls, row.content);
  REQUIRE(id != 0);
  CHECK(system.show(id).targets.at(0).destination == row.destination);
  system.restart();
  CHECK(system.show(id).targets.at(0).destination == row.destination);
  system.attach_relayd();
  RelayEnd process = system.connected();
  CHECK(system.connect_asked.hops.at(0).tls.requiretls == row.told);
  CHECK(system.handed(process).mail.requiretls == row.told);
}

TEST_CASE("a report asks for REQUIRETLS and does not insist on it (RFC 8689 5)") {
  Relaying system{patient()};
  const QueueId id = send_with(system, 17, true, kPlain, "");
  CHECK(system.show(id).targets.at(0).destination == "smtp:127.0.0.1:2525");
  RelayEnd process = system.connected();
  CHECK_FALSE(system.connect_asked.hops.at(0).tls.requiretls);
  CHECK(system.handed(process).mail.requiretls);
}

TEST_CASE("hosts without the TLS that the sender requires: reported, not tried again (RFC 8689 4.2.1)") {
  struct Row {
    RelayFailure failure;
    const char* status;
  };
  const Row row = GENERATE(values<Row>({{RelayFailure::requiretls_unavailable, "5.7.30"},
                                        {RelayFailure::tls_unavailable, "5.7.10"},
                                        {RelayFailure::tls_failed, "5.7.10"},
                                        {RelayFailure::certificate, "5.7.10"}}));
  const HopAttempt attempt{.host = "mx.far.test", .failure = row.failure};
  using routing::SenderTls;
  const auto result = not_connected({{attempt}}, SenderTls::required, 1);
  CHECK(result.fate == Fate::refused);
  CHECK(result.answer.enhanced == row.status);
  CHECK(not_connected({{attempt}}, SenderTls::unspecified, 1).fate == Fate::deferred);
  const HopAttempt unreachable{.host = "mx2.far.test", .failure = RelayFailure::unreachable};
  CHECK(not_connected({{attempt, unreachable}}, SenderTls::required, 1).fate == Fate::deferred);
}
