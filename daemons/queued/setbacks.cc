#include "daemons/queued/setbacks.h"

#include <algorithm>
#include <utility>

#include "daemons/channels/relayd.h"

namespace mailroom::queued {
namespace {

constexpr std::uint16_t kClosing = 421;

bool is_local(const queue::TargetAnswer& answer) {
  return answer.failure == static_cast<std::uint8_t>(RelayFailure::local);
}

// Said, or not said, to whatever message it might have been.
bool is_of_host(const queue::TargetAnswer& answer) {
  const auto stage = static_cast<RelayStage>(answer.stage);
  return answer.failure == static_cast<std::uint8_t>(RelayFailure::cut) || answer.code == kClosing ||
         stage == RelayStage::connect || stage == RelayStage::mail || stage == RelayStage::data;
}

bool is_in_doubt(const TargetResult& result) {
  return result.answer.failure == static_cast<std::uint8_t>(RelayFailure::cut) &&
         result.answer.stage == static_cast<std::uint8_t>(RelayStage::final_dot);
}

}  // namespace

bool may_go_elsewhere(const TargetResults& results) {
  return setback_of(results) == Setback::of_host && std::ranges::none_of(results, is_in_doubt);
}

Setback setback_of(const TargetResults& results) {
  bool is_put_off = false, all_of_host = true;
  for (const TargetResult& result : results) {
    if (is_final(result.fate) || is_local(result.answer)) return Setback::none;
    if (result.fate != Fate::deferred) continue;
    is_put_off = true;
    all_of_host = all_of_host && is_of_host(result.answer);
  }
  if (!is_put_off) return Setback::none;
  return all_of_host ? Setback::of_host : Setback::of_message;
}

void Setbacks::note(const Scope& scope, const IpAddress& address, Setback setback, Microseconds now) {
  if (setback == Setback::none) return;
  make_room(now);
  if (setback == Setback::of_host) noted_[{Scope{scope.destination}, address}] = {now, now + kHostKept};
  if (scope.message != 0) noted_[{scope, address}] = {now, now + kMessageKept};
}

void Setbacks::worked(const Scope& scope, const IpAddress& address) {
  noted_.erase({Scope{scope.destination}, address});
  noted_.erase({scope, address});
}

// When it was noted; 0: it holds no more.
Microseconds Setbacks::since(const Scope& scope, const IpAddress& address, Microseconds now) const {
  Microseconds latest = 0;
  for (const Scope& each : {scope, Scope{scope.destination}}) {
    const auto found = noted_.find({each, address});
    if (found != noted_.end() && now < found->second.until) latest = std::max(latest, found->second.since);
  }
  return latest;
}

Setbacks::Ordered Setbacks::in_order(const std::vector<routing::NextHop>& hops, const Scope& scope,
                                     Microseconds now) const {
  Ordered ordered;
  std::vector<std::pair<Microseconds, routing::NextHop>> last;
  for (const routing::NextHop& hop : hops) {
    routing::NextHop first{hop.name, {}, hop.tls};
    for (const IpAddress& address : hop.addresses)
      if (const Microseconds noted = since(scope, address, now); noted != 0)
        last.push_back({noted, {hop.name, {address}, hop.tls}});
      else
        first.addresses.push_back(address);
    if (!first.addresses.empty() || hop.addresses.empty()) ordered.hops.push_back(std::move(first));
  }
  ordered.first = ordered.hops.size();
  std::ranges::stable_sort(last, {}, [](const auto& each) { return each.first; });
  for (auto& [noted, hop] : last) ordered.hops.push_back(std::move(hop));
  return ordered;
}

// In the mean no more than one look at each.
void Setbacks::make_room(Microseconds now) {
  if (noted_.size() + 2 <= kMost) return;
  std::erase_if(noted_, [&](const auto& entry) { return entry.second.until <= now; });
  if (noted_.size() > kMost / 2) noted_.clear();
}

}  // namespace mailroom::queued
