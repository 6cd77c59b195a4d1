#include "daemons/dnsd/turns.h"

#include <algorithm>
#include <utility>

namespace mailroom::dnsd {
namespace {

constexpr std::size_t kLabels = 2;
constexpr std::size_t kReverseLabels = 4;  // of 192.0.2.1: 0.192.in-addr.arpa

}  // namespace

std::string site_of(std::string_view name) {
  const std::size_t labels = name.ends_with(".arpa") ? kReverseLabels : kLabels;
  std::size_t begin = name.size();
  for (std::size_t i = 0; i < labels; ++i) {
    if (begin == 0) return std::string{name};
    const std::size_t dot = name.rfind('.', begin - 1);
    if (dot == name.npos) return std::string{name};
    begin = dot;
  }
  return std::string{name.substr(begin + 1)};
}

void Turns::wait(const Turn& turn) {
  Asker& asker = askers_[turn.asker];
  const std::string name = site_of(turn.question.name);
  Site& site = asker.sites[name];
  const bool was_ready = site.may_begin();
  site.waiting.push_back(turn.question);
  if (!was_ready && site.may_begin()) asker.ready.push_back(name);
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

Turns::Turn Turns::begin(AskerKey key, Asker& asker) {
  const std::string name = std::move(asker.ready.front());
  asker.ready.pop_front();
  Site& site = asker.sites.at(name);
  Turn turn{key, std::move(site.waiting.front())};
  site.waiting.pop_front();
  ++site.under_way;
  ++asker.under_way;
  if (site.may_begin()) asker.ready.push_back(name);
  return turn;
}

void Turns::done(const Turn& turn) {
  const auto asker = askers_.find(turn.asker);
  const auto site = asker->second.sites.find(site_of(turn.question.name));
  const bool was_ready = site->second.may_begin();
  --asker->second.under_way;
  --site->second.under_way;
  if (!was_ready && site->second.may_begin()) asker->second.ready.push_back(site->first);
  if (site->second.waiting.empty() && site->second.under_way == 0) asker->second.sites.erase(site);
  if (asker->second.sites.empty()) askers_.erase(asker);
}

}  // namespace mailroom::dnsd
