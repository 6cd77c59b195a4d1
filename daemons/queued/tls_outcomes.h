// Gathers what came of TLS with mail hosts, and tells policyd from time to time, for the reports of RFC 8460.
#pragma once

#include <string>
#include <vector>

#include "daemons/channels/policyd.h"
#include "daemons/queued/policy_questions.h"
#include "daemons/queued/transport_results.h"
#include "libcommon/event/loop.h"

namespace mailroom::queued {

// The outcomes of one attempt to connect: pure.  Each host and address that TLS failed with is a failure, and
// each host that its policy left out before one took the session; that one is a success, unless it is in
// plaintext.  Of a TLSA record that is a whole certificate or key the first kShownData octets are told.
inline constexpr std::size_t kShownData = 64;  // a SHA-512
std::vector<TlsOutcome> outcomes_of(const std::string& domain, const routing::Plan& plan,
                                    const Connected& outcome);
std::vector<TlsOutcome> outcomes_of(const std::string& domain, const routing::Plan& plan,
                                    const NotConnected& outcome);
std::vector<TlsOutcome> outcomes_of(const std::string& domain, const routing::NoWay& none);

class TlsOutcomeBatch final : public TransportResults {
 public:
  static constexpr std::size_t kMaxWaiting = 5'000;  // further ones are not reported
  static constexpr std::chrono::seconds kInterval{5};

  TlsOutcomeBatch(event::Loop& loop, PolicyQuestions& policyd)
      : policyd_{policyd}, timer_{loop, [this] { flush(); }} {}

  void connected(const std::string& domain, const routing::Plan& plan, const Connected& outcome) override {
    add(outcomes_of(domain, plan, outcome));
  }
  void not_connected(const std::string& domain, const routing::Plan& plan,
                     const NotConnected& outcome) override {
    add(outcomes_of(domain, plan, outcome));
  }
  void no_way(const std::string& domain, const routing::NoWay& none) override {
    add(outcomes_of(domain, none));
  }

  // Tells policyd what there is.  Called by itself some seconds after the first of a batch.  What policyd
  // does not answer, since it goes away, is told again.
  void flush();
  // Whether everything that was told is answered.
  bool is_quiet() const { return unanswered_ == 0; }

 private:
  void add(std::vector<TlsOutcome> outcomes);
  void tell(std::vector<TlsOutcome> batch);

  PolicyQuestions& policyd_;
  event::Timer timer_;
  std::vector<TlsOutcome> waiting_;
  std::size_t unanswered_ = 0;
};

}  // namespace mailroom::queued
