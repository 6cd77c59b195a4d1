#include "daemons/dnsd/resolver.h"

#include <unbound-event.h>
#include <unbound.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "libcommon/dns/limits.h"
#include "libcommon/dns/message.h"
#include "libcommon/text/ascii.h"

namespace mailroom::dnsd {
namespace {

constexpr int kClassIn = 1;
constexpr int kBogus = 1, kSecure = 2;  // unbound-event.h: "sec"
constexpr int kServFail = 2;            // RFC 1035 4.1.1
constexpr std::size_t kMaxProblem = 200;

void check(int result, std::string_view what) {
  if (result != 0) throw std::runtime_error("libunbound: " + std::string{what} + ": " + ub_strerror(result));
}

void set(ub_ctx* context, const char* option, const std::string& value) {
  check(ub_ctx_set_option(context, option, value.c_str()), option);
}

// Octets for each of libunbound's caches: record sets are the most of it.
void set_bounds(ub_ctx* context, std::uint64_t cache_size) {
  set(context, "rrset-cache-size:", std::to_string(cache_size / 2));
  set(context, "msg-cache-size:", std::to_string(cache_size / 4));
  set(context, "key-cache-size:", std::to_string(cache_size / 8));
  set(context, "neg-cache-size:", std::to_string(cache_size / 8));
  set(context, "infra-cache-numhosts:", "10000");
  set(context, "cache-max-ttl:", std::to_string(dns::kMaxTtl));
  set(context, "outgoing-range:", "512");
  set(context, "outgoing-num-tcp:", "64");
  set(context, "num-queries-per-thread:", std::to_string(Resolver::kMaxInFlight));
}

void set_behaviour(ub_ctx* context) {
  set(context, "val-log-level:", "2");  // why an answer is bogus, in words
  set(context, "qname-minimisation:", "yes");
  set(context, "aggressive-nsec:", "yes");
  set(context, "rrset-roundrobin:", "no");
  // What runs on this machine, and private zones, are asked for when the configuration names their servers.
  set(context, "do-not-query-localhost:", "no");
  set(context, "unblock-lan-zones:", "yes");
}

std::string at_port(const IpAddress& server) { return server.text() + "@" + std::to_string(server.port); }
std::string absolute(const std::string& zone) { return zone + "."; }

// Zones that libunbound answers for by itself (RFC 6761, RFC 6303), beside those of private addresses.
constexpr std::string_view kOwnZones[] = {
    "localhost",
    "127.in-addr.arpa",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
    "test",
    "invalid",
    "onion",
    "home.arpa"};

bool is_within(std::string_view name, std::string_view zone) {
  return zone.empty() || name == zone || (name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

// Whoever names the servers of a zone wants them to be asked.
void give_way_to(ub_ctx* context, const DnsStubConfig& stub) {
  for (const std::string_view own : kOwnZones)
    if (is_within(own, stub.zone) || is_within(stub.zone, own))
      check(ub_ctx_zone_remove(context, absolute(std::string{own}).c_str()), "dnsd.stub");
}

void set_servers(ub_ctx* context, const DnsdConfig& config) {
  for (const IpAddress& server : config.forward)
    check(ub_ctx_set_fwd(context, at_port(server).c_str()), "dnsd.forward");
  for (const DnsStubConfig& stub : config.stubs)
    for (const IpAddress& server : stub.servers)
      check(ub_ctx_set_stub(context, absolute(stub.zone).c_str(), at_port(server).c_str(), 0), "dnsd.stub");
}

void set_trust(ub_ctx* context, const DnsdConfig& config) {
  for (const std::string& anchor : config.trust_anchors)
    check(ub_ctx_add_ta(context, anchor.c_str()), "dnsd.trust-anchor");
  for (const std::string& zone : config.insecure) set(context, "domain-insecure:", absolute(zone));
}

std::string printable(std::string_view text) {
  std::string words{text.substr(0, kMaxProblem)};
  std::ranges::replace_if(
      words, [](char c) { return !is_visible(c); }, ' ');
  return words;
}

dns::Answer failed(std::string problem) {
  dns::Answer answer;
  answer.problem = std::move(problem);
  return answer;
}

dns::Answer to_answer(const dns::Question& question, int code, std::string_view packet, int security,
                      const char* why) {
  if (security == kBogus || (code == kServFail && why != nullptr))
    return failed("bogus: " + printable(why == nullptr ? "not validated" : why));
  if (code != 0)
    return failed(code == kServFail ? "no usable answer from its servers"
                                    : "DNS error " + std::to_string(code));
  auto answer = dns::read_answer(packet, question);
  if (!answer) return failed("unusable answer: " + answer.error());
  answer->security = security == kSecure ? dns::Security::secure : dns::Security::insecure;
  return std::move(*answer);
}

}  // namespace

void Resolver::Close::operator()(ub_ctx* context) const { ub_ctx_delete(context); }

Resolver::Resolver(event::Loop& loop, const DnsdConfig& config)
    : context_{ub_ctx_create_event(loop.base())}, deliver_{loop, [this] { deliver(); }} {
  ub_ctx* const context = context_.get();
  if (context == nullptr) throw std::runtime_error("libunbound cannot be set up");
  ub_ctx_debugout(context, nullptr);  // no log of its own
  set_bounds(context, config.cache_size);
  set_behaviour(context);
  set_servers(context, config);
  set_trust(context, config);
  // The first call about local zones ends the set-up: what is wrong with it shows here.
  check(ub_ctx_zone_remove(context, "unused.invalid."), "set-up");
  for (const DnsStubConfig& stub : config.stubs) give_way_to(context, stub);
}

// libunbound first: what is in flight points into the rest.
Resolver::~Resolver() { context_.reset(); }

void Resolver::look_up(AskerKey asker, const dns::Question& question, Waiting waiting) {
  const Turns::Turn turn{asker, question};
  const auto known = asked_.find(turn);
  if (known != asked_.end()) return known->second.waiting.push_back(std::move(waiting));
  if (turns_.questions_of(asker) >= kMaxAsked) {
    finished_.push_back({{std::move(waiting)}, failed("too many questions at once")});
    return deliver_.start(std::chrono::microseconds{0});
  }
  asked_.emplace(turn, Asked{this, turn, {std::move(waiting)}});
  turns_.wait(turn);
  begin_next();
}

void Resolver::abandoned(AskerKey asker, const dns::Question& question) {
  const auto found = asked_.find({asker, question});
  if (found == asked_.end() || found->second.is_waited_for() || !turns_.drop(found->first)) return;
  asked_.erase(found);
}

bool Resolver::Asked::is_waited_for() const {
  return std::ranges::any_of(waiting, [](const Waiting& each) { return each.is_still(); });
}

void Resolver::begin_next() {
  while (in_flight_ < kMaxInFlight) {
    const auto turn = turns_.next();
    if (!turn) return;
    const auto found = asked_.find(*turn);
    if (found->second.is_waited_for()) {
      begin(found->second);
    } else {
      asked_.erase(found);
      turns_.done(*turn);
    }
  }
}

void Resolver::begin(Asked& asked) {
  ++in_flight_;
  const std::string name = absolute(asked.turn.question.name);
  // May call back before it returns.
  const int result =
      ub_resolve_event(context_.get(), name.c_str(), static_cast<int>(asked.turn.question.type), kClassIn,
                       &asked, on_result, nullptr);
  if (result != 0) finish(asked, failed(ub_strerror(result)));
}

void Resolver::on_result(void* asked, int code, void* packet, int size, int security, char* why_bogus, int) {
  auto& question = *static_cast<Asked*>(asked);
  const std::string_view octets{static_cast<const char*>(packet),
                                packet == nullptr ? 0 : static_cast<std::size_t>(size)};
  question.resolver->finish(question, to_answer(question.turn.question, code, octets, security, why_bogus));
}

// From within libunbound, which must not be asked again before it has returned.
void Resolver::finish(Asked& asked, dns::Answer answer) {
  finished_.emplace_back(std::move(asked.waiting), std::move(answer));
  const Turns::Turn turn = asked.turn;
  asked_.erase(turn);
  turns_.done(turn);
  --in_flight_;
  deliver_.start(std::chrono::microseconds{0});
}

void Resolver::deliver() {
  begin_next();
  while (!finished_.empty()) {
    const auto [waiting, answer] = std::move(finished_.front());
    finished_.pop_front();
    for (const Waiting& each : waiting) each.on_answer(answer);
  }
}

}  // namespace mailroom::dnsd
