// Which processes a configuration needs.
#include "daemons/supervisor/needed.h"

#include <catch2/catch.hpp>
#include <set>

#include "daemons/base/listener_service.h"

using namespace mailroom;

namespace {

std::set<std::string_view> needed(const Config& config) {
  std::set<std::string_view> names;
  for (const ProcessRow& row : kProcesses)
    if (is_needed(row.role, config)) names.insert(row.name);
  return names;
}

const std::set<std::string_view> kAlways{"authd",   "deliverd", "dnsd",   "logd",
                                         "policyd", "queued",   "relayd", "stsd"};

// What it needs beside those.
std::set<std::string_view> more(const Config& config) {
  auto names = needed(config);
  for (const std::string_view name : kAlways) CHECK(names.erase(name) == 1);
  return names;
}

}  // namespace

TEST_CASE("who waits for no connection runs always; a listener where something is listened for") {
  CHECK(needed({}) == kAlways);
  for (const ProcessRow& row : kProcesses) {
    const auto service = service_of(row.role);
    if (!service) continue;
    Config config;
    config.listeners.emplace_back().service = *service;
    CHECK(more(config) == std::set{row.name});
  }
}

TEST_CASE("who holds keys runs where there are keys") {
  using Names = std::set<std::string_view>;
  Config config;
  SECTION("of TLS") {
    config.certificates.emplace_back();
    CHECK(more(config) == Names{"keyd"});
  }
  SECTION("of Kerberos, and of the KDCs that are asked for passwords") {
    config.kerberos.keytab_file = "/etc/krb5.keytab";
    config.kerberos.realm = "EXAMPLE.EDU";
    CHECK(more(config) == Names{"krbd"});
    config.kerberos.kdcs.emplace_back();
    CHECK(more(config) == Names{"krbd", "kdcd"});
    config.kerberos.keytab_file.clear();
    config.kerberos.realm.clear();
    CHECK(more(config).empty());
  }
  SECTION("of clients' authorities") {
    config.client_certificate.authorities_file = "/etc/mailroom/ca.pem";
    CHECK(more(config) == Names{"certd"});
  }
}
