#include "daemons/policyd/grant_desk.h"

#include <algorithm>
#include <ranges>

#include "daemons/log.h"
#include "daemons/state_failure.h"

namespace mailroom::policyd {
namespace {

constexpr unsigned kAllBits = 128;
constexpr std::chrono::minutes kTidyInterval{1};
// A later login is stored when it lengthens the grant by this part of the window.
constexpr std::uint64_t kStoredParts = 10;

}  // namespace

GrantDesk::GrantDesk(event::Loop& loop, state::Directory& directory, const Config& config,
                     OnRevoked on_revoked, SystemClock system_clock)
    : directory_{directory}, on_revoked_{std::move(on_revoked)}, system_clock_{std::move(system_clock)},
      clock_{directory.view().latest_time(), system_clock_(), std::chrono::steady_clock::now()},
      tidy_timer_{loop, [this] { tidy(); }} {
  reconfigured(config);
  for (const state::Grant& grant : directory_.view().grants()) {
    held_[{grant.network, grant.account}] = {grant.since, grant.since};
    ++count_of_[grant.account];
  }
  tidy();
}

void GrantDesk::reconfigured(const Config& config) {
  const std::chrono::milliseconds window = config.policyd.pop_before_smtp;
  window_ = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(window).count());
  ipv6_prefix_ = config.policyd.pop_before_smtp_ipv6_prefix;
  from_nat_ = config.policyd.pop_before_smtp_nat;
  nat_.clear();
  for (const NetworkConfig& each : config.networks)
    if (each.kind == NetworkKind::nat) nat_.push_back(each.prefix);
}

std::uint64_t GrantDesk::now() { return clock_.now(system_clock_(), std::chrono::steady_clock::now()); }

IpNetwork GrantDesk::network(const IpAddress& peer) const {
  return network_of(peer, peer.is_v4() ? kAllBits : ipv6_prefix_);
}

GrantDesk::Place GrantDesk::place(const IpAddress& peer) const {
  if (window_ == 0) return Place::off;
  const auto holds = [&](const IpNetwork& prefix) { return prefix.contains(peer); };
  return !from_nat_ && std::ranges::any_of(nat_, holds) ? Place::behind_nat : Place::good;
}

bool GrantDesk::has_room_for(AccountId account) const {
  const auto found = count_of_.find(account);
  return held_.size() < kMaxGrants && (found == count_of_.end() || found->second < kMaxGrantsOfAccount);
}

void GrantDesk::read_mail(const state::Account& account, const IpAddress& peer) {
  if (place(peer) != Place::good) return;
  const Key key{network(peer), account.id};
  const auto found = held_.find(key);
  const std::uint64_t since = now();
  if (found != held_.end() && since < found->second.stored + window_ / kStoredParts) {
    found->second.since = since;
    return;
  }
  if (directory_.view().permissions(account.id).no_grants) return;
  if (found == held_.end() && !has_room_for(account.id))
    return log::write("grants-full", {{"account", account.name}, {"peer", peer.text()}});
  auto update = directory_.update();
  update.put_grant({key.first, account.id, since});
  update.commit();
  if (held_.insert_or_assign(key, Entry{since, since}).second) {
    ++count_of_[account.id];
    log::write("grant-given",
               {{"account", account.name}, {"network", key.first.text()}, {"seconds", window_}});
  }
}

std::vector<GrantDesk::Held> GrantDesk::held_at(const IpAddress& peer) {
  std::vector<Held> held;
  if (held_.empty() || place(peer) != Place::good) return held;
  const IpNetwork here = network(peer);
  const std::uint64_t time = now();
  for (auto entry = held_.lower_bound({here, 0}); entry != held_.end() && entry->first.first == here; ++entry)
    if (counts(entry->second, time)) held.push_back({entry->first.second, entry->second.since});
  return held;
}

std::size_t GrantDesk::revoke(std::optional<AccountId> account, const std::optional<IpNetwork>& network) {
  std::vector<Key> keys;
  for (const Key& key : held_ | std::views::keys) {
    const bool is_there = !network || (network->bits <= key.first.bits && network->contains(key.first.base));
    if (is_there && (!account || key.second == *account)) keys.push_back(key);
  }
  if (keys.empty()) return 0;
  erase(keys);
  for (const Key& key : keys) on_revoked_(key.first);
  return keys.size();
}

void GrantDesk::erase(const std::vector<Key>& keys) {
  auto update = directory_.update();
  for (const Key& key : keys) update.erase_grant(key.first, key.second);
  update.note_time(now());
  update.commit();
  for (const Key& key : keys) {
    held_.erase(key);
    if (--count_of_[key.second] == 0) count_of_.erase(key.second);
  }
}

std::vector<state::Grant> GrantDesk::grants_after(const std::optional<Key>& after, std::size_t limit) {
  std::vector<state::Grant> grants;
  const std::uint64_t time = now();
  auto entry = after ? held_.upper_bound(*after) : held_.begin();
  for (; entry != held_.end() && grants.size() < limit; ++entry)
    if (counts(entry->second, time))
      grants.push_back({entry->first.first, entry->first.second, entry->second.since});
  return grants;
}

// What has run out goes, and what the clock shows is kept: were it set back before the next start, no grant
// would last longer by more than the time since.
void GrantDesk::tidy() {
  tidy_timer_.start(kTidyInterval);
  if (held_.empty()) return;
  std::vector<Key> outdated;
  const std::uint64_t time = now();
  for (const auto& [key, entry] : held_)
    if (!counts(entry, time)) outdated.push_back(key);
  try {
    erase(outdated);
  } catch (const std::exception& error) {
    on_state_failure(error);
  }
}

void GrantDesk::note_time() {
  if (held_.empty()) return;
  auto update = directory_.update();
  update.note_time(now());
  update.commit();
}

}  // namespace mailroom::policyd
