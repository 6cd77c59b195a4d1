// Whether strangers may send as the reverse-paths that they gave (RFC 7208): asks the DNS what the checks
// want to know.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <string>

#include "daemons/base/dns_client.h"
#include "libcommon/policy/spf/check.h"

namespace mailroom::queued {

struct SenderVerdict {
  spf::Result result = spf::Result::temperror;
  std::string directive;  // that decided; empty: none has
  std::string domain;     // of its record
};

class SenderChecks {
 public:
  // Under way at the same time, each with one question: that leaves dnsd room for where mail goes.  What is
  // known of one more is nothing (temperror).
  static constexpr std::size_t kMaxOpen = 200;
  // No lookup of a check begins later (RFC 7208 4.6.4 asks for 20 seconds at least).
  static constexpr std::chrono::seconds kMaxTime{20};

  explicit SenderChecks(DnsClient& dns) : dns_{dns} {}

  // Calls back once, from the loop or at once; not after the destructor has begun.
  using Then = std::function<void(const SenderVerdict&)>;
  void check(spf::Identity identity, Then then);

 private:
  struct Open {
    IpAddress client;
    spf::Check check;
    std::chrono::steady_clock::time_point until;
    Then then;
  };
  using Place = std::list<Open>::iterator;

  void go_on(Place open);
  void end(Place open, const SenderVerdict& verdict);

  DnsClient& dns_;
  std::list<Open> open_;
};

}  // namespace mailroom::queued
