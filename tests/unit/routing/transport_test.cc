// decide_transport: the tables of RFC 7672 2.2 and 3.1, RFC 8461 5 and RFC 8689 4.2.1, case by case.
#include "libcommon/routing/transport.h"

#include <catch2/catch.hpp>

using namespace mailroom;
using namespace mailroom::routing;
using dns::Outcome;
using dns::Security;
using Kind = Transport::Kind;

namespace {

const dns::Tlsa kEe{3, 1, 1, std::string(32, 'e')};
const dns::Tlsa kTa{2, 0, 2, std::string(64, 't')};
const dns::Tlsa kPkix{1, 1, 1, std::string(32, 'p')};

// What the DNS says of example.org and its host mx.example.net.
struct Zone {
  Security mx = Security::secure;
  Security address = Security::secure;
  Outcome tlsa_outcome = Outcome::answer;
  Security tlsa = Security::secure;
  std::vector<dns::Tlsa> records = {kEe};
  bool implicit = false;
};

constexpr Security kInsecure = Security::insecure;
constexpr Security kSecure = Security::secure;

const StsPolicy kNoSts{};
const StsPolicy kEnforce{StsMode::enforce, {"*.example.net"}, 86400};
const StsPolicy kEnforceOther{StsMode::enforce, {"other.example.net"}, 86400};
const StsPolicy kTesting{StsMode::testing, {"*.example.net"}, 86400};
const StsPolicy kTestingOther{StsMode::testing, {"other.example.net"}, 86400};

Transport decide(const Zone& zone, const StsPolicy& sts = kNoSts, const TlsPolicy& site = {},
                 SenderTls sender = SenderTls::unspecified) {
  dns::MailHost host{.name = "mx.example.net",
                     .outcome = Outcome::answer,
                     .security = zone.address,
                     .tlsa_outcome = zone.tlsa_outcome,
                     .tlsa_security = zone.tlsa,
                     .tlsa_base = "mx.example.net",
                     .tlsa = zone.records};
  const dns::MailHosts hosts{
      .outcome = Outcome::answer, .implicit = zone.implicit, .mx_security = zone.mx, .hosts = {host}};
  return decide_transport("example.org", site, hosts, host, sts, sender);
}

Zone unsigned_zone() {
  return {.mx = kInsecure,
          .address = kInsecure,
          .tlsa_outcome = Outcome::no_data,
          .tlsa = kInsecure,
          .records = {}};
}

TlsPolicy wish(TlsWish what, std::vector<std::string> names = {}) {
  return {"example.org", what, std::move(names)};
}

}  // namespace

TEST_CASE("RFC 7672 2.1, 2.2: which hosts DANE is for, and what comes instead") {
  struct Row {
    const char* section;
    Zone zone;
    Kind kind;
    TlsLevel level;
    const char* result;
  };
  const Row row = GENERATE(values<Row>({
      {"2.2: secure MX, secure address, usable TLSA", {}, Kind::allowed, TlsLevel::dane, ""},
      {"2.2: no MX, securely: the domain is its own host",
       {.implicit = true},
       Kind::allowed,
       TlsLevel::dane,
       ""},
      {"2.2.1: insecure MX", {.mx = kInsecure}, Kind::allowed, TlsLevel::may, ""},
      {"2.2.1: insecure MX, and TLSA could not be looked up",
       {.mx = kInsecure, .tlsa_outcome = Outcome::failed},
       Kind::allowed,
       TlsLevel::may,
       ""},
      {"2.2.2: insecure address: TLSA is not looked up",
       {.address = kInsecure, .tlsa_outcome = Outcome::no_data, .records = {}},
       Kind::allowed,
       TlsLevel::may,
       ""},
      {"2.2.2: secure alias of an insecure host: TLSA of the alias",
       {.address = kInsecure},
       Kind::allowed,
       TlsLevel::dane,
       ""},
      {"2.1.2: the same, and TLSA of the alias could not be looked up",
       {.address = kInsecure, .tlsa_outcome = Outcome::failed, .records = {}},
       Kind::deferred,
       TlsLevel::may,
       "dnssec-invalid"},
      {"2.2.1: the same, of an insecure MX",
       {.mx = kInsecure, .address = kInsecure},
       Kind::allowed,
       TlsLevel::may,
       ""},
      {"2.1.2: TLSA lookup failed or bogus",
       {.tlsa_outcome = Outcome::failed, .records = {}},
       Kind::deferred,
       TlsLevel::may,
       "dnssec-invalid"},
      {"2.2: no TLSA, securely",
       {.tlsa_outcome = Outcome::no_data, .records = {}},
       Kind::allowed,
       TlsLevel::may,
       ""},
      {"2.2: no such name, securely",
       {.tlsa_outcome = Outcome::no_domain, .records = {}},
       Kind::allowed,
       TlsLevel::may,
       ""},
      {"2.2: insecure TLSA", {.tlsa = kInsecure}, Kind::allowed, TlsLevel::may, ""},
      {"2.2: all TLSA unusable: TLS, whatever the certificate",
       {.records = {kPkix}},
       Kind::allowed,
       TlsLevel::encrypt,
       ""},
      {"2.2: one TLSA usable", {.records = {kPkix, kTa}}, Kind::allowed, TlsLevel::dane, ""},
  }));
  INFO(row.section);
  const Transport transport = decide(row.zone);
  CHECK(transport.kind == row.kind);
  CHECK(transport.tls.level == row.level);
  CHECK(transport.result == row.result);
  CHECK((row.kind == Kind::allowed) == transport.words.empty());
}

namespace {

// DER with a length of three octets.
std::string element(char tag, const std::string& content) {
  return {tag +
          std::string{'\x82', static_cast<char>(content.size() >> 8), static_cast<char>(content.size())} +
          content};
}
const std::string kAlgorithm = element(0x30, "x"), kBits = element(0x03, std::string(300, 'b'));
const std::string kKey = element(0x30, kAlgorithm + kBits);
const std::string kCertificate = element(0x30, element(0x30, kKey) + kAlgorithm + kBits);

}  // namespace

TEST_CASE("RFC 7672 3.1: which records can be used") {
  struct Row {
    const char* section;
    dns::Tlsa record;
    bool usable;
  };
  const Row row = GENERATE(values<Row>({
      {"3.1.1: DANE-EE(3) SPKI(1) SHA2-256(1)", {3, 1, 1, std::string(32, 'x')}, true},
      {"3.1.1: DANE-EE(3) Cert(0) SHA2-512(2)", {3, 0, 2, std::string(64, 'x')}, true},
      {"3.1.1: DANE-EE(3) SPKI(1) Full(0)", {3, 1, 0, kKey}, true},
      {"3.1.2: DANE-TA(2) Cert(0) Full(0)", {2, 0, 0, kCertificate}, true},
      {"a certificate for a key", {3, 1, 0, kCertificate}, false},
      {"a key for a certificate", {3, 0, 0, kKey}, false},
      {"a key that is cut off", {3, 1, 0, kKey.substr(0, kKey.size() - 1)}, false},
      {"a certificate that is cut off within its length", {2, 0, 0, kCertificate.substr(0, 3)}, false},
      {"a certificate with something behind it", {2, 0, 0, kCertificate + "x"}, false},
      {"a key with something in it", {3, 1, 0, element(0x30, kAlgorithm + kBits + kBits)}, false},
      {"a length without end", {3, 1, 0, "\x30\x80"}, false},
      {"a length of many octets", {3, 1, 0, "\x30\x84\x01\x01\x01\x01"}, false},
      {"no DER", {3, 1, 0, "x"}, false},
      {"3.1.2: DANE-TA(2) Cert(0) SHA2-256(1)", {2, 0, 1, std::string(32, 'x')}, true},
      {"3.1.3: PKIX-TA(0)", {0, 0, 1, std::string(32, 'x')}, false},
      {"3.1.3: PKIX-EE(1)", {1, 1, 1, std::string(32, 'x')}, false},
      {"unknown usage", {4, 1, 1, std::string(32, 'x')}, false},
      {"private usage", {255, 1, 1, std::string(32, 'x')}, false},
      {"unknown selector", {3, 2, 1, std::string(32, 'x')}, false},
      {"unknown matching type", {3, 1, 3, std::string(32, 'x')}, false},
      {"SHA2-256 of another length", {3, 1, 1, std::string(31, 'x')}, false},
      {"SHA2-512 of another length", {3, 1, 2, std::string(32, 'x')}, false},
      {"nothing to match", {3, 1, 0, ""}, false},
  }));
  INFO(row.section);
  CHECK(is_usable(row.record) == row.usable);
}

TEST_CASE("RFC 7672 3.2.2, 8.1: names, and only usable records") {
  Zone zone{.records = {kPkix, kEe, kTa}};
  dns::MailHost host{.name = "mx.example.net",
                     .canonical_name = "real.example.com",
                     .outcome = Outcome::answer,
                     .security = kSecure,
                     .tlsa_outcome = Outcome::answer,
                     .tlsa_security = kSecure,
                     .tlsa_base = "real.example.com",
                     .tlsa = zone.records};
  const dns::MailHosts hosts{.outcome = Outcome::answer, .mx_security = kSecure, .hosts = {host}};
  const Transport transport =
      decide_transport("example.org", {}, hosts, host, kNoSts, SenderTls::unspecified);
  CHECK(transport.tls.names == std::vector<std::string>{"real.example.com", "mx.example.net", "example.org"});
  CHECK(transport.tls.tlsa == std::vector{kEe, kTa});
  CHECK(transport.tls.reason == TlsReason::dane);
  host.tlsa_base.clear();
  CHECK(decide_transport("mx.example.net", {}, hosts, host, kNoSts, SenderTls::unspecified).tls.names ==
        std::vector<std::string>{"mx.example.net"});
}

TEST_CASE("RFC 8461 5: policy application") {
  struct Row {
    const char* section;
    Zone zone;
    StsPolicy sts;
    Kind kind;
    TlsLevel level;
    TlsReason reason;
    bool report_only;
    const char* result;
  };
  const Zone plain = unsigned_zone();
  constexpr auto kSts = TlsReason::mta_sts;
  const Row row = GENERATE_COPY(values<Row>({
      {"none",
       plain,
       {StsMode::none, {}, 1},
       Kind::allowed,
       TlsLevel::may,
       TlsReason::default_policy,
       false,
       ""},
      {"enforce, the host matches", plain, kEnforce, Kind::allowed, TlsLevel::certificate, kSts, false, ""},
      {"enforce, the host does not match", plain, kEnforceOther, Kind::excluded, TlsLevel::may,
       TlsReason::mta_sts, false, "validation-failure"},
      {"testing, the host matches", plain, kTesting, Kind::allowed, TlsLevel::may, kSts, true, ""},
      {"testing, the host does not match: reported", plain, kTestingOther, Kind::allowed, TlsLevel::may, kSts,
       true, "validation-failure"},
      {"2: DANE before enforce", {}, kEnforce, Kind::allowed, TlsLevel::dane, TlsReason::dane, false, ""},
      {"2: DANE before enforce without the host",
       {},
       kEnforceOther,
       Kind::allowed,
       TlsLevel::dane,
       TlsReason::dane,
       false,
       ""},
      {"2: DANE before testing", {}, kTesting, Kind::allowed, TlsLevel::dane, TlsReason::dane, false, ""},
      {"2: enforce does not replace DANE that is not known",
       {.tlsa_outcome = Outcome::failed, .records = {}},
       kEnforce,
       Kind::deferred,
       TlsLevel::may,
       TlsReason::dane,
       false,
       "dnssec-invalid"},
      {"enforce asks for more than unusable TLSA",
       {.records = {kPkix}},
       kEnforce,
       Kind::allowed,
       TlsLevel::certificate,
       kSts,
       false,
       ""},
      {"unusable TLSA asks for more than testing",
       {.records = {kPkix}},
       kTesting,
       Kind::allowed,
       TlsLevel::encrypt,
       TlsReason::dane,
       false,
       ""},
  }));
  INFO(row.section);
  const Transport transport = decide(row.zone, row.sts);
  CHECK(transport.kind == row.kind);
  CHECK(transport.tls.level == row.level);
  CHECK(transport.tls.reason == row.reason);
  CHECK(transport.tls.report_only == row.report_only);
  CHECK(transport.result == row.result);
  if (row.level == TlsLevel::certificate)
    CHECK(transport.tls.names == std::vector<std::string>{"mx.example.net"});
}

TEST_CASE("tls-policy: what an operator wants of a destination") {
  struct Row {
    TlsWish wish;
    Zone zone;
    StsPolicy sts;
    Kind kind;
    TlsLevel level;
    const char* result;
  };
  const Zone plain = unsigned_zone();
  const Row row = GENERATE_COPY(values<Row>({
      {TlsWish::published, plain, kNoSts, Kind::allowed, TlsLevel::may, ""},
      {TlsWish::never, {}, kEnforce, Kind::allowed, TlsLevel::never, ""},
      {TlsWish::may, {}, kEnforce, Kind::allowed, TlsLevel::may, ""},
      {TlsWish::may, {.tlsa_outcome = Outcome::failed}, kNoSts, Kind::allowed, TlsLevel::may, ""},
      {TlsWish::encrypt, plain, kNoSts, Kind::allowed, TlsLevel::encrypt, ""},
      {TlsWish::encrypt, plain, kTesting, Kind::allowed, TlsLevel::encrypt, ""},
      {TlsWish::encrypt, plain, kEnforce, Kind::allowed, TlsLevel::certificate, ""},
      {TlsWish::encrypt, {}, kNoSts, Kind::allowed, TlsLevel::dane, ""},
      {TlsWish::dane, {}, kNoSts, Kind::allowed, TlsLevel::dane, ""},
      {TlsWish::dane, plain, kEnforce, Kind::excluded, TlsLevel::may, "dane-required"},
      {TlsWish::dane, {.mx = kInsecure}, kNoSts, Kind::excluded, TlsLevel::may, "dane-required"},
      {TlsWish::dane, {.records = {kPkix}}, kNoSts, Kind::excluded, TlsLevel::may, "tlsa-invalid"},
      {TlsWish::dane,
       {.tlsa_outcome = Outcome::failed},
       kNoSts,
       Kind::deferred,
       TlsLevel::may,
       "dnssec-invalid"},
      {TlsWish::certificate, plain, kNoSts, Kind::allowed, TlsLevel::certificate, ""},
      {TlsWish::certificate, {}, kEnforceOther, Kind::allowed, TlsLevel::certificate, ""},
  }));
  INFO("wish " << static_cast<int>(row.wish) << " level " << static_cast<int>(row.level) << ' '
               << row.result);
  const Transport transport = decide(row.zone, row.sts, wish(row.wish));
  CHECK(transport.kind == row.kind);
  CHECK(transport.tls.level == row.level);
  CHECK(transport.result == row.result);
}

TEST_CASE("tls-policy: names, and which row counts") {
  CHECK(decide({}, kNoSts, wish(TlsWish::certificate)).tls.names ==
        std::vector<std::string>{"mx.example.net"});
  CHECK(decide({}, kNoSts, wish(TlsWish::certificate, {"a.example", "*.b.example"})).tls.names ==
        std::vector<std::string>{"a.example", "*.b.example"});
  const std::vector<TlsPolicy> rows{{"example.org", TlsWish::dane, {}},
                                    {".example.org", TlsWish::certificate, {}},
                                    {".sub.example.org", TlsWish::encrypt, {}}};
  const auto level = [&](std::string_view domain) { return tls_policy_for(domain, rows, TlsWish::may).wish; };
  CHECK(level("example.org") == TlsWish::dane);
  CHECK(level("EXAMPLE.org") == TlsWish::dane);
  CHECK(level("a.example.org") == TlsWish::certificate);
  CHECK(level("a.b.example.org") == TlsWish::certificate);
  CHECK(level("x.sub.example.org") == TlsWish::encrypt);
  CHECK(level("sub.example.org") == TlsWish::certificate);
  CHECK(level("notexample.org") == TlsWish::may);
}

TEST_CASE("RFC 8689 4.2.1: REQUIRETLS") {
  struct Row {
    const char* why;
    Zone zone;
    StsPolicy sts;
    TlsWish wish;
    Kind kind;
    TlsLevel level;
  };
  const Zone plain = unsigned_zone();
  Zone implicit = plain;
  implicit.implicit = true;
  Zone signed_mx = plain;
  signed_mx.mx = kSecure;
  constexpr auto kPublished = TlsWish::published;
  const Row row = GENERATE_COPY(values<Row>({
      {"DANE", {}, kNoSts, kPublished, Kind::allowed, TlsLevel::dane},
      {"DANE not known",
       {.tlsa_outcome = Outcome::failed},
       kNoSts,
       kPublished,
       Kind::deferred,
       TlsLevel::may},
      {"unusable TLSA: a certificate",
       {.records = {kPkix}},
       kNoSts,
       kPublished,
       Kind::allowed,
       TlsLevel::certificate},
      {"secure MX: a certificate", signed_mx, kNoSts, kPublished, Kind::allowed, TlsLevel::certificate},
      {"no MX: the name is the domain's own", implicit, kNoSts, kPublished, Kind::allowed,
       TlsLevel::certificate},
      {"insecure MX: nothing proves the name", plain, kNoSts, kPublished, Kind::unfit, TlsLevel::may},
      {"MTA-STS names the host", plain, kEnforce, kPublished, Kind::allowed, TlsLevel::certificate},
      {"MTA-STS in testing names the host", plain, kTesting, kPublished, Kind::allowed,
       TlsLevel::certificate},
      {"MTA-STS names another", plain, kEnforceOther, kPublished, Kind::unfit, TlsLevel::may},
      {"MTA-STS in testing names another", plain, kTestingOther, kPublished, Kind::unfit, TlsLevel::may},
      {"an operator's plaintext does not weaken it", signed_mx, kNoSts, TlsWish::never, Kind::allowed,
       TlsLevel::certificate},
      {"an operator's DANE stands", signed_mx, kNoSts, TlsWish::dane, Kind::unfit, TlsLevel::may},
  }));
  INFO(row.why);
  const Transport transport = decide(row.zone, row.sts, wish(row.wish), SenderTls::required);
  CHECK(transport.kind == row.kind);
  if (row.kind != Kind::allowed) return;
  CHECK(transport.tls.level == row.level);
  CHECK(transport.tls.requiretls);
  CHECK_FALSE(transport.tls.report_only);
}

TEST_CASE("RFC 8689 4.2.2: TLS-Required: No leaves aside what is published, not what the operator wants") {
  constexpr auto kOptional = SenderTls::optional;
  CHECK(decide({}, kEnforce, {}, kOptional).tls.level == TlsLevel::may);
  CHECK(decide({.tlsa_outcome = Outcome::failed}, kEnforceOther, {}, kOptional).kind == Kind::allowed);
  CHECK_FALSE(decide(unsigned_zone(), kTesting, {}, kOptional).tls.report_only);
  CHECK(decide({}, kEnforce, wish(TlsWish::encrypt), kOptional).tls.level == TlsLevel::encrypt);
  CHECK(decide({}, kEnforce, wish(TlsWish::certificate), kOptional).tls.level == TlsLevel::certificate);
  CHECK(decide({}, kEnforce, wish(TlsWish::dane), kOptional).tls.level == TlsLevel::dane);
}

TEST_CASE("fixed routes: the operator's level, and what REQUIRETLS adds") {
  const TlsRequirement plain = decide_fixed_transport("relay.example", TlsLevel::may, SenderTls::unspecified);
  CHECK(plain ==
        TlsRequirement{.level = TlsLevel::may, .reason = TlsReason::site_policy, .names = {"relay.example"}});
  CHECK(decide_fixed_transport("relay.example", TlsLevel::encrypt, SenderTls::optional).level ==
        TlsLevel::encrypt);
  const TlsRequirement required = decide_fixed_transport("relay.example", TlsLevel::may, SenderTls::required);
  CHECK(required.level == TlsLevel::certificate);
  CHECK(required.requiretls);
}
