#include "daemons/policyd/web_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/base/channel_end.h"
#include "libcommon/ipc/overloaded.h"
#include "libcommon/routing/forbidden.h"
#include "libcommon/routing/sts_policy.h"

namespace mailroom::policyd {
namespace {

constexpr const char* kNoStsd = "stsd does not answer";

StsDesk::Fetched no_fetch(std::string words) {
  return std::unexpected(StsTrouble{"sts-policy-fetch-error", std::move(words)});
}

}  // namespace

// A and AAAA of one host, asked at the same time.
struct WebDesk::Lookup {
  OnAddresses then;
  int waiting = 2;
  std::vector<IpAddress> addresses;
  std::string problem;  // why there are none
};

WebDesk::WebDesk(event::Loop& loop, DnsClient& dns, const std::vector<IpNetwork>& allowed)
    : loop_{loop}, dns_{dns}, allowed_{allowed} {}

void WebDesk::attach(const std::string& peer, LeasedFd fd) {
  gone();
  stsd_ = std::make_unique<Channel>(
      loop_, std::move(fd), 0,
      [this](StsdToPolicyd&& message, std::vector<Fd>&&) {
        std::visit([this](const auto& answer) { answered(answer); }, message);
      },
      [this, peer](event::ChannelEnd why) {
        log_channel_end("policyd-stsd", peer, why);
        gone();
      });
}

void WebDesk::gone() {
  stsd_.reset();
  for (const auto& [question, then] : std::exchange(open_, {}))
    std::visit(Overloaded{[](const OnPolicy& fetched) { fetched(no_fetch(kNoStsd)); },
                          [](const OnPosted& posted) { posted(kNoStsd); }},
               then);
}

// What a name of a stranger's leads to may be a service within (SECURITY.md V18).
void WebDesk::look_up(const std::string& host, OnAddresses then) {
  const auto lookup = std::make_shared<Lookup>(Lookup{std::move(then), 2, {}, host + " has no address"});
  const auto found = [this, lookup](const dns::Answer& answer) {
    if (answer.outcome == dns::Outcome::failed) lookup->problem = answer.problem;
    for (const IpAddress& address : answer.addresses) {
      const char* const forbidden = routing::why_forbidden(address, allowed_);
      if (forbidden != nullptr) lookup->problem = address.text() + ": " + forbidden;
      if (forbidden == nullptr && lookup->addresses.size() < kMaxWebAddresses)
        lookup->addresses.push_back(address);
    }
    if (--lookup->waiting == 0) lookup->then(std::move(lookup->addresses), lookup->problem);
  };
  for (const dns::Type type : {dns::Type::aaaa, dns::Type::a}) dns_.look_up(type, host, found);
}

void WebDesk::fetch_policy(const std::string& domain, OnPolicy then) {
  look_up("mta-sts." + domain, [this, domain, then = std::move(then)](std::vector<IpAddress> addresses,
                                                                      const std::string& problem) {
    if (addresses.empty()) return then(no_fetch(problem));
    if (!stsd_) return then(no_fetch(kNoStsd));
    open_.emplace(++last_, then);
    stsd_->send(FetchStsFile{last_, domain, std::move(addresses)});
  });
}

void WebDesk::post_report(const tlsrpt::WebTarget& target, std::string report, OnPosted then) {
  if (posts_.size() >= kMaxWaitingPosts) return then("too many reports wait");
  const OnPosted ended = [this, then = std::move(then)](const std::string& problem) {
    --posting_;
    then(problem);
    start_posts();
  };
  posts_.push_back({target, std::move(report), ended});
  start_posts();
}

void WebDesk::start_posts() {
  while (posting_ < kMaxReportPosts && !posts_.empty()) {
    ++posting_;
    Post post = std::move(posts_.front());
    posts_.pop_front();
    begin(std::move(post));
  }
}

void WebDesk::begin(Post&& post) {
  const std::string host = post.target.host;
  look_up(host, [this, post = std::move(post)](std::vector<IpAddress> addresses, const std::string& problem) {
    if (addresses.empty()) return post.then(problem);
    if (!stsd_) return post.then(kNoStsd);
    open_.emplace(++last_, post.then);
    stsd_->send(PostTlsReport{last_, post.target.host, post.target.path, std::move(addresses), post.report});
  });
}

// Empty when that was not asked, or is the answer to another question.
template <typename Then>
Then WebDesk::take(std::uint64_t question) {
  const auto found = open_.find(question);
  if (found == open_.end() || !std::holds_alternative<Then>(found->second)) return {};
  Then then = std::get<Then>(std::move(found->second));
  open_.erase(found);
  return then;
}

void WebDesk::answered(const StsFileFetched& file) {
  const auto then = take<OnPolicy>(file.question);
  if (!then) return;
  if (file.result.empty() && file.file.size() <= routing::kMaxStsPolicy) return then(file.file);
  constexpr std::string_view kKnown[] = {"sts-policy-fetch-error", "sts-policy-invalid",
                                         "sts-webpki-invalid"};
  const bool is_known = std::ranges::find(kKnown, file.result) != std::end(kKnown);
  then(is_known ? StsDesk::Fetched{std::unexpected(StsTrouble{file.result, file.problem})}
                : no_fetch(file.problem));
}

void WebDesk::answered(const TlsReportPosted& report) {
  if (const auto then = take<OnPosted>(report.question)) then(report.problem);
}

}  // namespace mailroom::policyd
