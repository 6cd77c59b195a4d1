#include <catch2/catch.hpp>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "daemons/config/load.h"
#include "daemons/config/names.h"
#include "daemons/config/tables.h"
#include "libcommon/ipc/codec.h"

using namespace mailroom;
using config::parse;

namespace {

constexpr std::string_view kSmall = "hostname Mail.Example.TEST\n"
                                    "domain example.test\n"
                                    "listen smtp mx 127.0.0.1:2525 none\n";

std::vector<std::string> errors_of(std::string_view text) {
  const auto config = parse(text, "f");
  std::vector<std::string> texts;
  if (!config)
    for (const auto& error : config.error()) texts.push_back(config::text_of(error));
  return texts;
}

std::vector<std::string> errors_with(std::string_view more) {
  return errors_of(std::string{kSmall} + std::string{more});
}

using Texts = std::vector<std::string>;

// A directory of files that goes with the object.
class Files {
 public:
  Files() {
    char name[] = "/tmp/mailroom-config-test.XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory_ = name;
  }
  ~Files() { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& name, std::string_view content, unsigned mode = 0600) {
    const auto path = directory_ / name;
    std::ofstream{path} << content;
    std::filesystem::permissions(path, std::filesystem::perms{mode});
    return path;
  }

 private:
  std::filesystem::path directory_;
};

}  // namespace

TEST_CASE("a small configuration is enough, names are lower case") {
  const auto config = parse(kSmall, "f");
  REQUIRE(config);
  CHECK(config->hostname == "mail.example.test");
  CHECK(config->domains == Texts{"example.test"});
  REQUIRE(config->listeners.size() == 1);
  CHECK(config->listeners[0].service == Service::mx);
  CHECK(config->listeners[0].address.text() == "127.0.0.1");
  CHECK(config->listeners[0].address.port == 2525);
  CHECK(config->smtpd == SmtpdConfig{});
}

TEST_CASE("listeners of every kind") {
  const auto config = parse(std::string{kSmall} + "listen smtp submission [::1]:465 implicit\n"
                                                  "listen imap 127.0.0.2:143 starttls plaintext-login\n"
                                                  "listen pop3 0.0.0.0:110 starttls\n"
                                                  "certificate a.test,*.b.test /c /k\n",
                            "f");
  REQUIRE(config);
  REQUIRE(config->listeners.size() == 4);
  CHECK(config->listeners[1].service == Service::submission);
  CHECK(config->listeners[1].tls == TlsMode::implicit);
  CHECK(config->listeners[2].plaintext_login == PlaintextLogin::allowed);
  CHECK(config->listeners[3].plaintext_login == PlaintextLogin::refused);
  CHECK(config->certificates[0].names == Texts{"a.test", "*.b.test"});
}

TEST_CASE("wrong listeners are refused with the reason") {
  CHECK(errors_with("listen ftp 127.0.0.1:21 none\n") ==
        Texts{"f:4: listen: \"ftp\" is none of smtp, pop3, imap and kpop"});
  CHECK(errors_with("listen smtp 127.0.0.1:25 none\n") ==
        Texts{"f:4: listen: \"127.0.0.1:25\" after smtp is none of mx, submission, outgoing and relay"});
  CHECK(errors_with("listen pop3 mail.test:110 none\n") ==
        Texts{"f:4: listen: \"mail.test:110\" is not ADDRESS:PORT"});
  CHECK(errors_with("listen pop3 127.0.0.1:0 none\n") ==
        Texts{"f:4: listen: \"127.0.0.1:0\" is not ADDRESS:PORT"});
  CHECK(errors_with("listen pop3 127.0.0.1:110 tls\n") ==
        Texts{"f:4: listen: \"tls\" is none of none, starttls and implicit"});
  CHECK(errors_with("listen pop3 127.0.0.1:110 none quickly\n") ==
        Texts{"f:4: listen: \"quickly\" is out of place"});
  CHECK(errors_with("listen pop3 127.0.0.1:2525 none\n") ==
        Texts{"f:4: listen: another listener has 127.0.0.1:2525"});
  CHECK(errors_with("listen pop3 192.0.2.1:110 none plaintext-login\n") ==
        Texts{"f:4: listen: plaintext-login is only for loopback addresses"});
}

TEST_CASE("wrong names and paths are refused") {
  CHECK(errors_with("domain a_b.test\n") == Texts{"f:4: domain: \"a_b.test\" is not a host name"});
  CHECK(errors_with("domain example.test\n") == Texts{"f:4: domain: example.test is given twice"});
  CHECK(errors_with("spool-dir spool\n") == Texts{"f:4: spool-dir: \"spool\" is not an absolute path"});
  CHECK(errors_with("spool-dir /a/../b\n") == Texts{"f:4: spool-dir: \"/a/../b\" contains . or .."});
  CHECK(errors_with("certificate \"\" /c /k\n") == Texts{"f:4: certificate: no name is given"});
  CHECK(errors_with("route a.test smtp b_test\n") ==
        Texts{"f:4: route: \"b_test\" is not HOST or HOST:PORT"});
  CHECK(errors_with("policyd.postmaster \"a b\"\n") ==
        Texts{"f:4: policyd.postmaster: \"a b\" is not the name of an account"});
  CHECK(errors_with("queued.retry-schedule 1m 0s\n") ==
        Texts{"f:4: queued.retry-schedule: 0s is not between 1s and 7d"});
}

TEST_CASE("routes have their ports, and the proof that they need") {
  const auto routes = [](const std::string& line) {
    const auto config = parse(std::string{kSmall} + line, "f");
    REQUIRE(config);
    return config->routes;
  };
  using routing::Protocol, routing::TlsLevel;
  CHECK(routes("route A.test smtp mx.b.test\n") ==
        std::vector<RouteConfig>{{"a.test", Protocol::smtp, "mx.b.test", 25, TlsLevel::may, false}});
  CHECK(routes("route * smtps relay.test auth\n") ==
        std::vector<RouteConfig>{{"*", Protocol::smtps, "relay.test", 465, TlsLevel::certificate, true}});
  CHECK(routes("route .a.test smtp [2001:db8::1] tls=encrypt auth\n") ==
        std::vector<RouteConfig>{{".a.test", Protocol::smtp, "2001:db8::1", 25, TlsLevel::encrypt, true}});
  CHECK(routes("route a.test lmtp unix:lists\n") ==
        std::vector<RouteConfig>{{"a.test", Protocol::lmtp, "lists", 0, TlsLevel::never, false}});
  CHECK(routes("route a.test lmtp 192.0.2.1 tls=never\n").front().port == 24);
  for (const char* wrong :
       {"route a.test", "route a.test uucp b.test", "route a.test smtp unix:x", "route a.test lmtp unix:../x",
        "route a.test lmtp unix:x tls=may", "route a.test smtps b.test tls=may",
        "route a.test smtp b.test tls=may auth", "route a.test smtp b.test tls=dane",
        "route a.test smtp b.test quickly", "route .a_b smtp b.test", "route a.test smtp b.test:0",
        "route a.test smtp 2001:db8::1"})
    CHECK(errors_with(std::string{wrong} + "\n").size() == 1);
}

TEST_CASE("tls-policy: what a destination must prove") {
  using routing::TlsPolicy, routing::TlsWish;
  const auto config =
      parse(std::string{kSmall} + "tls-policy A.test dane\ntls-policy .a.test certificate MX.b.test\n"
                                  "relayd.tls-default encrypt\nrelayd.old-tls yes\n",
            "f");
  REQUIRE(config);
  CHECK(config->outbound_tls.policies ==
        std::vector<TlsPolicy>{{"a.test", TlsWish::dane, {}},
                               {".a.test", TlsWish::certificate, {"mx.b.test"}}});
  CHECK(config->outbound_tls.others == TlsWish::encrypt);
  CHECK(parse(config::show(*config), "again") == *config);
  CHECK(errors_with("tls-policy a.test\n") == Texts{"f:4: tls-policy: takes DOMAIN LEVEL [NAME ...]"});
  CHECK(errors_with("tls-policy a.test secure\n") ==
        Texts{"f:4: tls-policy: \"secure\" is none of published, never, may, encrypt, dane, certificate"});
  CHECK(errors_with("tls-policy a.test dane mx.a.test\n") ==
        Texts{"f:4: tls-policy: names go with certificate alone"});
  CHECK(errors_with("tls-policy a.test may\ntls-policy A.test never\n") ==
        Texts{"f:5: tls-policy: a.test has a tls-policy already"});
  CHECK(errors_with("tls-policy * may\n").size() == 1);
  CHECK(errors_with("tls-policy a.test certificate *.a.test\n").size() == 1);
}

TEST_CASE("networks and limits that would not be what was meant are refused") {
  CHECK(errors_with("network lan 10.0.0.0/8\n") ==
        Texts{"f:4: network: \"lan\" is none of campus, nat and cloud"});
  CHECK(errors_with("network nat 10.0.0.1/8\n") ==
        Texts{"f:4: network: \"10.0.0.1/8\" is not a network such as 192.0.2.0/24"});
  CHECK(errors_with("network campus 0.0.0.0/1\n") ==
        Texts{"f:4: network: 0.0.0.0/1 is too large for a campus: it would be an open relay"});
  CHECK(errors_with("network campus ::/0\n") ==
        Texts{"f:4: network: ::/0 is too large for a campus: it would be an open relay"});
  CHECK(errors_with("queued.spf-exempt filter.example.test\n") ==
        Texts{"f:4: queued.spf-exempt: \"filter.example.test\" is not a network"});
  CHECK(errors_with("network nat 10.0.0.0/8 10.0.0.0/8\n") ==
        Texts{"f:4: network: 10.0.0.0/8 is given twice"});
  CHECK(errors_with("limit account messages hour 5 4\n") ==
        Texts{"f:4: limit: the soft limit is above the hard one"});
  CHECK(errors_with("limit person messages hour 5 6\n").size() == 1);
  CHECK(errors_with("relay-domain example.test b.test\n") ==
        Texts{"f: example.test is both a domain and a relay-domain",
              "f: example.test is a relay-domain and has no route",
              "f: b.test is a relay-domain and has no route"});
}

TEST_CASE("a limit takes the place of the default of the same kind") {
  const auto config = parse(std::string{kSmall} + "limit account messages hour 0 0\n", "f");
  REQUIRE(config);
  CHECK(config->limits.size() == Config{}.limits.size());
  CHECK(config->limits[0] == policy::LimitRow{});
}

TEST_CASE("what is missing or does not fit together is said") {
  CHECK(errors_of("") == Texts{"f: hostname is missing", "f: no domain is given", "f: no listen is given"});
  CHECK(errors_with("listen imap 127.0.0.1:993 implicit\n") ==
        Texts{"f: a listener offers TLS, but no certificate is given"});
  CHECK(errors_with("route example.test smtp [::1]:25\n") ==
        Texts{"f: example.test is both a domain and a route"});
  CHECK(errors_with("uid-base.login 1000500\nuid-base.daemons 900000\n") ==
        Texts{"f: the uids of login and accounts overlap",
              "f: uid-base.accounts is not above uid-base.daemons and uid-base.login"});
  CHECK(errors_with("uid-base.login 3000000\n") ==
        Texts{"f: uid-base.accounts is not above uid-base.daemons and uid-base.login"});
  CHECK(errors_with("authd.failure-delay 30s\n") ==
        Texts{"f: authd.failure-delay is longer than authd.max-failure-delay"});
}

TEST_CASE("no more listening sockets and keys than a process can be started with") {
  std::string listeners, certificates;
  for (int i = 0; i < 470; ++i) {
    const std::string number = std::to_string(i);
    if (i > 0) listeners += "listen smtp mx 127.0.0.1:" + std::to_string(3000 + i) + " none\n";
    certificates += "certificate mail" + number + ".example.test /c" + number + " /k" + number + "\n";
  }
  CHECK(errors_with(listeners + certificates) == Texts{});
  CHECK(errors_with(listeners + "listen imap 127.0.0.1:143 none\n") ==
        Texts{"f: there are more than 470 listen lines"});
  CHECK(errors_with(certificates + "certificate mail.example.test /c /k\n") ==
        Texts{"f: there are more than 470 certificate lines"});
}

TEST_CASE("what is shown reads as the same configuration") {
  auto config =
      parse(std::string{kSmall} +
                "listen pop3 [::1]:110 none plaintext-login\n"
                "certificate a.test,b.test \"/with blank\" /k\n"
                "route x.test smtp [::1]:25\nroute y.test smtp mx.y.test:2525 tls=certificate auth\n"
                "route .z.test lmtp unix:lists\nroute * smtps 192.0.2.1\n"
                "smtpd.max-connections 7\nqueued.retry-schedule 5s 90m\n"
                "policyd.recipient-delimiter \"-\"\nlog-level debug\n"
                "relay-domain x.test y.test\npolicyd.help-desk \"the desk, 1\"\n"
                "network campus 10.0.0.0/8 2001:db8::/32\nnetwork nat 10.1.2.0/24\n"
                "limit account messages hour 5 10\nlimit nat recipients day 0 7\n"
                "listen smtp outgoing 127.0.0.1:26 none\nlisten smtp relay 127.0.0.1:27 none\n"
                "queued.spf-exempt 192.0.2.25\nqueued.spf-exempt 198.51.100.0/24 2001:db8::/32\n",
            "f");
  REQUIRE(config);
  const auto again = parse(config::show(*config), "again");
  REQUIRE(again);
  CHECK(*again == *config);
  CHECK(config->smtpd.connections.total == 7);
  CHECK(config->pop3d.connections.total == ConnectionLimits{}.total);
  REQUIRE(config->queued.spf_exempt.size() == 3);
  CHECK(config->queued.spf_exempt[0].text() == "192.0.2.25/32");
}

TEST_CASE("a configuration crosses a channel unchanged") {
  const auto config = parse(std::string{kSmall} + "route x.test smtp [::1]:25\n", "f");
  REQUIRE(config);
  CHECK(ipc::decode<Config>(ipc::encode(*config)) == *config);
}

TEST_CASE("the defaults are within their bounds, and every row has what the manual needs") {
  std::set<std::string> names;
  for (const auto& key : config::schema().keys()) {
    INFO(key.name);
    CHECK(names.insert(key.name).second);
    CHECK(key.help.ends_with('.'));
    CHECK_FALSE(key.syntax.empty());
    Config config;
    for (const auto& values : key.show(Config{})) {
      const auto parsed = config::parse_directives(key.name + " " + values, "f");
      REQUIRE(parsed.directives.size() == 1);
      CHECK(key.set(config, parsed.directives[0].values));
    }
    CHECK(key.show(config) == key.show(Config{}));
  }
}

TEST_CASE("a reload knows what it cannot change") {
  const auto running = parse(kSmall, "f");
  const auto fresh = parse(std::string{kSmall} + "spool-dir /elsewhere\nsmtpd.max-errors 3\n", "f");
  REQUIRE((running && fresh));
  CHECK(config::changes_that_need_restart(*running, *fresh) == Texts{"spool-dir"});
  CHECK(config::changes_that_need_restart(*running, *running).empty());
}

TEST_CASE("host names follow RFC 1123") {
  for (const char* good : {"a", "a.b", "xn--bcher-kva.example", "1and1.test", "MAIL.example"})
    CHECK(config::parse_host_name(good));
  for (const std::string& wrong :
       {std::string{}, std::string{"a..b"}, std::string{".a"}, std::string{"a."}, std::string{"127.1"},
        std::string{"-a"}, std::string{"a-"}, std::string{"a b"}, std::string{"*.a"}, std::string(64, 'a'),
        std::string{"b\xc3\xbc.test"}})
    CHECK_FALSE(config::parse_host_name(wrong));
  CHECK_FALSE(config::parse_certificate_name("a.*.b"));
  CHECK_FALSE(config::parse_certificate_name("*"));
}

// As far as load() looks: a sequence of nothing.
const std::string kCertificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
const std::string kLists = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";

TEST_CASE("certificates are read, keys only looked at") {
  Files files;
  const auto chain = files.write("chain.pem", kCertificate);
  const auto key = files.write("key.pem", "secret");
  const auto open_key = files.write("open.pem", "secret", 0644);
  const auto text = std::string{kSmall} + "certificate a.test " + chain + " ";

  const auto config = config::load(files.write("good.conf", text + key));
  REQUIRE(config);
  CHECK(config->certificates[0].chain_pem == kCertificate);
  CHECK(config->certificates[0].chain_pem.capacity() < 4096);  // not of the size that a file may have

  const auto wrong =
      config::load(files.write("wrong.conf", text + open_key + "\ncertificate b.test " + key + " /none\n"));
  REQUIRE_FALSE(wrong);
  REQUIRE(wrong.error().size() == 3);
  CHECK(wrong.error()[0].reason == open_key + ": everyone may use this private key (mode 0644)");
  CHECK(wrong.error()[0].line == 4);
  CHECK(wrong.error()[1].reason == key + ": no certificate in it (PEM)");
  CHECK(wrong.error()[2].reason == "/none: No such file or directory");
  CHECK(wrong.error()[2].line == 5);
}

TEST_CASE("a file that is not there is an error, not a default configuration") {
  const auto config = config::load("/none");
  REQUIRE_FALSE(config);
  CHECK(config::text_of(config.error()[0]) == "/none: No such file or directory");
}

TEST_CASE("client certificates: who signs them, and whose they are") {
  Files files;
  const std::string ca = files.write("ca", kCertificate);
  const std::string lists = files.write("lists", kLists);
  const std::string chain = files.write("chain", kCertificate);
  const std::string key = files.write("key", "");
  const auto with = [&](const std::string& more) {
    return config::load(
        files.write("conf", std::string{kSmall} + "certificate a.test " + chain + " " + key + "\n" + more));
  };
  const std::string account = "client-certificate.account ";
  const auto good = with("listen imap 127.0.0.1:993 implicit client-certificate\n"
                         "client-certificate.authorities " +
                         ca + "\nclient-certificate.revocations " + lists + "\n" + account +
                         "email *@example.test *\n" + account + "dns *.dev.example.test smtp-relay/*\n");
  REQUIRE(good);
  CHECK(good->listeners[1].client_certificate);
  CHECK(good->client_certificate.enabled());
  CHECK(good->client_certificate.authorities_pem == kCertificate);
  CHECK(good->client_certificate.rules.size() == 2);
  // What is shown reads as the same.
  const auto again = config::load(files.write("again", config::show(*good)));
  REQUIRE(again);
  CHECK(*again == *good);

  const auto reason = [&](const std::string& more) {
    const auto wrong = with(more);
    REQUIRE_FALSE(wrong);
    REQUIRE(wrong.error().size() == 1);
    return wrong.error()[0].reason;
  };
  CHECK(reason("listen imap 127.0.0.1:993 implicit client-certificate\n").find("authorities is not given") !=
        std::string::npos);
  CHECK(reason("client-certificate.authorities " + key + "\n") == key + ": no certificate in it (PEM)");
  CHECK(reason("client-certificate.authorities " + ca + "\nclient-certificate.revocations " + ca + "\n") ==
        ca + ": no revocation list in it (PEM)");
  for (const char* port : {"smtp mx 127.0.0.1:26 starttls", "imap 127.0.0.1:143 none"})
    CHECK(reason(std::string{"listen "} + port + " client-certificate\n") ==
          "listen: client-certificate is for ports with TLS where clients log in by SASL");
  CHECK(reason(account + "subject a b\n").find("none of email, dns and fingerprint") != std::string::npos);
  CHECK(reason(account + "email *@a.test all\n").find("would be the same account") != std::string::npos);
}

TEST_CASE("files of client certificates that are no good are errors, but none that stops a start") {
  Files files;
  const std::string ca = files.write("ca", kCertificate), lists = files.write("lists", kLists);
  const std::string damaged = files.write("damaged", kCertificate.substr(0, 30));
  const auto with = [&](const std::string& authorities, const std::string& revocations) {
    return files.write("conf", std::string{kSmall} + "client-certificate.account email *@a.test *\n" +
                                   "client-certificate.authorities " + authorities +
                                   "\nclient-certificate.revocations " + revocations + "\n");
  };
  const auto whole = config::load_for_start(with(ca, lists));
  REQUIRE(whole);
  CHECK(whole->off.empty());
  CHECK(whole->config.client_certificate.enabled());

  struct Case {
    std::string file, reason;
    unsigned line;
  };
  const auto check = [&](const std::string& path, const Case& expected) {
    const auto refused = config::load(path);
    REQUIRE_FALSE(refused);
    const auto started = config::load_for_start(path);
    REQUIRE(started);
    CHECK(started->off == refused.error());
    REQUIRE(started->off.size() == 1);
    CHECK(started->off[0].reason == expected.file + ": " + expected.reason);
    CHECK(started->off[0].line == expected.line);
    CHECK_FALSE(started->config.client_certificate.enabled());
    CHECK(started->config.client_certificate.revocations_file.empty());
    CHECK(started->config.listeners.size() == 1);
  };
  check(with(damaged, lists), {damaged, "CERTIFICATE number 1 in it is cut off or damaged", 5});
  check(with(ca, ca), {ca, "no revocation list in it (PEM)", 6});
  check(with(ca, "/none"), {"/none", "No such file or directory", 6});

  // What does stop it is told with all the rest.
  const std::string wrong = files.write("wrong", std::string{kSmall} + "no-such-key\n" +
                                                     "client-certificate.authorities " + damaged + "\n");
  const auto stopped = config::load_for_start(wrong);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().size() == 2);
}
