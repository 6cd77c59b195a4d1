#include "daemons/policyd/sts_fetch.h"

#include <algorithm>
#include <utility>

#include "daemons/log.h"
#include "libcommon/routing/forbidden.h"
#include "libcommon/routing/sts_policy.h"

namespace mailroom::policyd {
namespace {

StsDesk::Fetched no_fetch(std::string words) {
  return std::unexpected(StsTrouble{"sts-policy-fetch-error", std::move(words)});
}

}  // namespace

// A and AAAA of one host, asked at the same time.
struct StsFetch::Lookup {
  std::string domain;
  Done done;
  int waiting = 2;
  std::vector<IpAddress> addresses;
  std::string problem;  // why there are none
};

StsFetch::StsFetch(event::Loop& loop, DnsClient& dns, const std::vector<IpNetwork>& allowed)
    : loop_{loop}, dns_{dns}, allowed_{allowed} {}

void StsFetch::attach(const std::string& peer, Fd fd) {
  gone();
  stsd_ = std::make_unique<Channel>(
      loop_, std::move(fd), 0,
      [this](StsdToPolicyd&& message, std::vector<Fd>&&) { fetched(std::get<StsFileFetched>(message)); },
      [this, peer](event::ChannelEnd why) {
        log::write("channel-closed",
                   {{"channel", "policyd-stsd"}, {"peer", peer}, {"reason", event::channel_end_name(why)}});
        gone();
      });
}

void StsFetch::gone() {
  stsd_.reset();
  for (const auto& [question, done] : std::exchange(open_, {})) done(no_fetch("stsd does not answer"));
}

void StsFetch::fetch(const std::string& domain, Done done) {
  const auto lookup = std::make_shared<Lookup>(Lookup{domain, std::move(done), 2, {}, {}});
  for (const dns::Type type : {dns::Type::aaaa, dns::Type::a}) look_up(type, "mta-sts." + domain, lookup);
}

// What a name of a stranger's leads to may be a service within (SECURITY.md V18).
void StsFetch::look_up(dns::Type type, const std::string& host, const std::shared_ptr<Lookup>& lookup) {
  dns_.look_up(type, host, [this, lookup](const dns::Answer& answer) {
    if (answer.outcome == dns::Outcome::failed) lookup->problem = answer.problem;
    for (const IpAddress& address : answer.addresses) {
      const char* const forbidden = routing::why_forbidden(address, allowed_);
      if (forbidden != nullptr) lookup->problem = address.text() + ": " + forbidden;
      if (forbidden == nullptr && lookup->addresses.size() < kMaxStsAddresses)
        lookup->addresses.push_back(address);
    }
    if (--lookup->waiting == 0) looked_up(*lookup);
  });
}

void StsFetch::looked_up(const Lookup& lookup) {
  if (lookup.addresses.empty())
    return lookup.done(
        no_fetch(lookup.problem.empty() ? "mta-sts." + lookup.domain + " has no address" : lookup.problem));
  if (!stsd_) return lookup.done(no_fetch("stsd does not answer"));
  open_.emplace(++last_, lookup.done);
  stsd_->send(FetchStsFile{last_, lookup.domain, lookup.addresses});
}

void StsFetch::fetched(const StsFileFetched& file) {
  const auto found = open_.find(file.question);
  if (found == open_.end()) return;
  const Done done = std::move(found->second);
  open_.erase(found);
  if (file.result.empty() && file.file.size() <= routing::kMaxStsPolicy) return done(file.file);
  constexpr std::string_view kKnown[] = {"sts-policy-fetch-error", "sts-policy-invalid",
                                         "sts-webpki-invalid"};
  const bool is_known = std::ranges::find(kKnown, file.result) != std::end(kKnown);
  done(is_known ? StsDesk::Fetched{std::unexpected(StsTrouble{file.result, file.problem})}
                : no_fetch(file.problem));
}

}  // namespace mailroom::policyd
