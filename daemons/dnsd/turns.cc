#include "daemons/dnsd/turns.h"

#include <algorithm>
#include <utility>

namespace mailroom::dnsd {
namespace {

// The last labels of a name, as many as it has.
std::string_view last_labels(std::string_view name, std::size_t labels) {
  std::size_t begin = name.size();
  for (std::size_t i = 0; i < labels; ++i) {
    if (begin == 0) return name;
    const std::size_t dot = name.rfind('.', begin - 1);
    if (dot == name.npos) return name;
    begin = dot;
  }
  return name.substr(begin + 1);
}

// Whether domains of many are below it: co.uk, ac.at, com.br.
bool is_of_country(std::string_view site) {
  const std::size_t dot = site.find('.');
  return dot != site.npos && dot <= 3 && site.size() - dot - 1 == 2;
}

}  // namespace

std::string site_of(std::string_view name) {
  if (name.ends_with(".in-addr.arpa")) return std::string{last_labels(name, 4)};
  if (name.ends_with(".ip6.arpa")) return std::string{last_labels(name, 10)};
  const std::string_view site = last_labels(name, 2);
  return std::string{is_of_country(site) ? last_labels(name, 3) : site};
}

void Turns::wait(const Turn& turn) {
  Asker& asker = askers_[turn.asker];
  const std::string name = site_of(turn.question.name);
  Site& site = asker.sites[name];
  const bool was_ready = site.may_begin();
  site.waiting.push_back(turn.question);
  ++asker.questions;
  if (!was_ready && site.may_begin()) asker.ready(site).push_back(name);
}

std::size_t Turns::questions_of(AskerKey asker) const {
  const auto found = askers_.find(asker);
  return found == askers_.end() ? 0 : found->second.questions;
}

std::optional<Turns::Turn> Turns::next() {
  const auto may_begin = [](const auto& entry) { return entry.second.may_begin(); };
  const auto after = askers_.upper_bound(last_);
  auto found = std::find_if(after, askers_.end(), may_begin);
  if (found == askers_.end()) {
    found = std::find_if(askers_.begin(), after, may_begin);
    if (found == after) return {};
  }
  last_ = found->first;
  return begin(found->first, found->second);
}

// Sites with nothing under way come first.
Turns::Turn Turns::begin(AskerKey key, Asker& asker) {
  Ready& ready = asker.fresh.empty() ? asker.busy : asker.fresh;
  const std::string name = std::move(ready.front());
  ready.pop_front();
  Site& site = asker.sites.at(name);
  Turn turn{key, std::move(site.waiting.front())};
  site.waiting.pop_front();
  ++site.under_way;
  ++asker.under_way;
  if (site.may_begin()) asker.busy.push_back(name);
  return turn;
}

void Turns::done(const Turn& turn) {
  const auto asker = askers_.find(turn.asker);
  const auto site = asker->second.sites.find(site_of(turn.question.name));
  const bool was_ready = site->second.may_begin();
  --asker->second.questions;
  --asker->second.under_way;
  --site->second.under_way;
  const bool is_fresh = site->second.under_way == 0;
  if (was_ready && is_fresh) std::erase(asker->second.busy, site->first);
  if (site->second.may_begin() && (is_fresh || !was_ready))
    asker->second.ready(site->second).push_back(site->first);
  forget_if_empty(asker, site);
}

// What was asked first is given up first: both searches end near their begin.
bool Turns::drop(const Turn& turn) {
  const auto asker = askers_.find(turn.asker);
  if (asker == askers_.end()) return false;
  const auto site = asker->second.sites.find(site_of(turn.question.name));
  if (site == asker->second.sites.end()) return false;
  std::deque<dns::Question>& waiting = site->second.waiting;
  const auto found = std::ranges::find(waiting, turn.question);
  if (found == waiting.end()) return false;
  const bool was_ready = site->second.may_begin();
  waiting.erase(found);
  --asker->second.questions;
  Ready& ready = asker->second.ready(site->second);
  if (was_ready && !site->second.may_begin()) ready.erase(std::ranges::find(ready, site->first));
  forget_if_empty(asker, site);
  return true;
}

void Turns::forget_if_empty(Askers::iterator asker, Sites::iterator site) {
  if (site->second.waiting.empty() && site->second.under_way == 0) asker->second.sites.erase(site);
  if (asker->second.sites.empty()) askers_.erase(asker);
}

}  // namespace mailroom::dnsd
