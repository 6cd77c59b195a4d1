#include "daemons/policyd/sts_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/log.h"
#include "daemons/policyd/state_change.h"
#include "libcommon/routing/sts_policy.h"

namespace mailroom::policyd {
namespace {

constexpr std::chrono::hours kRefreshInterval{1};

// Octets of why there is no policy: words of stsd's and dnsd's, which strangers speak to.  With a whole
// policy they fit a packet.
constexpr std::size_t kMaxProblem = 300;

std::uint64_t end_of(const state::StsRecord& policy) { return policy.fetched + policy.max_age; }

constexpr std::string_view mode_name(routing::StsMode mode) {
  constexpr std::string_view kNames[] = {"none", "testing", "enforce"};
  return kNames[static_cast<unsigned>(mode)];
}

}  // namespace

StsDesk::StsDesk(event::Loop& loop, state::Directory& directory, Fetch fetch, Now now, OnTrouble on_trouble)
    : directory_{directory}, fetch_{std::move(fetch)}, now_{std::move(now)},
      on_trouble_{std::move(on_trouble)}, hourly_{loop, [this] {
                                                    refresh();
                                                    hourly_.start(kRefreshInterval);
                                                  }} {
  for (auto& [domain, policy] : directory_.view().sts_policies())
    if (now_() < end_of(policy)) entries_[domain].kept = std::move(policy);
  hourly_.start(kRefreshInterval);
}

bool StsDesk::is_valid(const Entry& entry) const { return entry.kept && now_() < end_of(*entry.kept); }

bool StsDesk::may_try(const Entry& entry, const std::string& label) const {
  return !entry.trouble || entry.label != label || now_() >= entry.tried + kStsRetry;
}

const state::StsRecord* StsDesk::kept(const std::string& domain) const {
  const auto found = entries_.find(domain);
  return found != entries_.end() && is_valid(found->second) ? &*found->second.kept : nullptr;
}

StsPolicyFound StsDesk::answer_of(std::uint64_t question, const Entry* entry) const {
  StsPolicyFound answer{.question = question, .mx = {}, .problem = {}, .ttl = kStsNoAnswerTtl};
  if (entry == nullptr) return answer;
  if (entry->trouble)
    answer.problem = (entry->trouble->result + ": " + entry->trouble->words).substr(0, kMaxProblem);
  if (!is_valid(*entry)) return answer;
  answer.mode = entry->kept->mode;
  answer.mx = entry->kept->mx;
  if (!entry->trouble)
    answer.ttl =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(end_of(*entry->kept) - now_(), kStsAnswerTtl));
  return answer;
}

void StsDesk::find(const FindStsPolicy& question, Answer answer) {
  const auto found = entries_.find(question.domain);
  if (question.label.empty()) {
    if (found != entries_.end()) found->second.asked = true;
    return answer(answer_of(question.question, found == entries_.end() ? nullptr : &found->second));
  }
  Entry* const entry = found != entries_.end() ? &found->second : entry_for(question.domain);
  if (entry == nullptr) return answer(answer_of(question.question, nullptr));
  entry->asked = true;
  const bool is_current = is_valid(*entry) && entry->kept->label == question.label;
  const bool can_wait = questions_ < kMaxStsQuestions && (entry->fetching || may_try(*entry, question.label));
  if (is_current || !can_wait) return answer(answer_of(question.question, entry));
  ++questions_;
  entry->waiting.push_back({question.question, std::move(answer)});
  want(question.domain, *entry, question.label);
}

// ---- room

// A domain that is being fetched stays.
bool StsDesk::make_room() {
  const auto ends = [](const Entry& entry) { return entry.kept ? end_of(*entry.kept) : 0; };
  auto first = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at)
    if (!at->second.fetching && (first == entries_.end() || ends(at->second) < ends(first->second)))
      first = at;
  if (first == entries_.end()) return false;
  if (first->second.kept) {
    const std::string& domain = first->first;
    change_state(directory_, [&](state::Update& update) { update.erase_sts_policy(domain); });
  }
  entries_.erase(first);
  return true;
}

StsDesk::Entry* StsDesk::entry_for(const std::string& domain) {
  if (entries_.size() >= kMaxStsDomains && !make_room()) return nullptr;
  return &entries_[domain];
}

// ---- fetching

void StsDesk::want(const std::string& domain, Entry& entry, const std::string& label) {
  if (entry.fetching) return;
  entry.fetching = true;
  entry.label = label;
  wanted_.push_back(domain);
  start_fetches();
}

void StsDesk::start_fetches() {
  while (running_ < kMaxStsFetches && !wanted_.empty()) {
    const std::string domain = std::move(wanted_.front());
    wanted_.pop_front();
    ++running_;
    fetch_(domain, [this, domain](const Fetched& file) { fetched(domain, file); });
  }
}

void StsDesk::fetched(const std::string& domain, const Fetched& file) {
  --running_;
  Entry& entry = entries_.at(domain);
  entry.fetching = false;
  entry.tried = now_();
  if (!file) {
    note_trouble(domain, entry, file.error());
  } else if (const auto policy = routing::parse_sts_policy(*file); policy) {
    keep(domain, entry, *policy);
  } else {
    note_trouble(domain, entry, {"sts-policy-invalid", policy.error()});
  }
  for (const Waiting& waiting : std::exchange(entry.waiting, {})) {
    --questions_;
    waiting.answer(answer_of(waiting.question, &entry));
  }
  start_fetches();
}

void StsDesk::keep(const std::string& domain, Entry& entry, const routing::StsPolicy& policy) {
  entry.trouble.reset();
  entry.asked = !entry.waiting.empty();
  entry.kept = state::StsRecord{entry.label, policy.mode, policy.mx, policy.max_age, now_()};
  change_state(directory_, [&](state::Update& update) { update.put_sts_policy(domain, *entry.kept); });
  log::write("sts-policy", {{"domain", domain},
                            {"id", entry.label},
                            {"mode", mode_name(policy.mode)},
                            {"max-age", std::to_string(policy.max_age)}});
}

void StsDesk::note_trouble(const std::string& domain, Entry& entry, StsTrouble trouble) {
  log::write("sts-failed", {{"domain", domain},
                            {"result", trouble.result},
                            {"reason", trouble.words},
                            {"kept", is_valid(entry) ? mode_name(entry.kept->mode) : "nothing"}});
  on_trouble_(domain, trouble);
  entry.trouble = std::move(trouble);
}

void StsDesk::refresh() {
  const auto is_due = [this](const Entry& entry) {
    if (!is_valid(entry) || !entry.asked || entry.fetching) return false;
    const std::uint64_t age = now_() - std::min(now_(), entry.kept->fetched);
    return age >= std::min<std::uint64_t>(entry.kept->max_age / 2, kStsRefresh);
  };
  for (auto& [domain, entry] : entries_)
    if (is_due(entry) && may_try(entry, entry.kept->label)) want(domain, entry, entry.kept->label);
}

}  // namespace mailroom::policyd
