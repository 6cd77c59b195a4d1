#include "daemons/listener/connection_table.h"

#include <algorithm>
#include <utility>

namespace mailroom {

ConnectionTable::ConnectionTable(const ConnectionLimits& limits, std::uint32_t slots) : limits_{limits} {
  limits_.total = std::min(limits_.total, slots - slots / 8);
  for (Slot slot = slots; slot > 0; --slot) free_.push_back(slot - 1);
}

std::expected<ConnectionTable::Slot, ConnectionTable::Refusal>
ConnectionTable::open(ConnectionId id, const IpAddress& peer, Time now) {
  const auto counted = per_address_.find(peer.host_for_limits());
  if (counted != per_address_.end() && counted->second >= limits_.per_address)
    return std::unexpected(Refusal::address_full);
  if (before_login_.size() >= limits_.total || free_.empty() || by_id_.contains(id))
    return std::unexpected(Refusal::service_full);
  const Slot slot = free_.back();
  free_.pop_back();
  if (slot >= connections_.size()) connections_.resize(slot + 1);
  connections_[slot] = Connection{.id = id, .peer = peer, .opened = now};
  by_id_.emplace(id, slot);
  ++per_address_[peer.host_for_limits()];
  before_login_.emplace(now, slot);
  return slot;
}

void ConnectionTable::close(Slot slot) {
  const Connection& connection = *connections_[slot];
  by_id_.erase(connection.id);
  before_login_.erase({connection.opened, slot});
  const auto counted = per_address_.find(connection.peer.host_for_limits());
  if (--counted->second == 0) per_address_.erase(counted);
  connections_[slot].reset();
}

std::optional<ConnectionTable::Slot> ConnectionTable::find(ConnectionId id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

std::optional<ConnectionTable::Slot> ConnectionTable::oldest_before_login() const {
  if (before_login_.empty()) return std::nullopt;
  return before_login_.begin()->second;
}

bool ConnectionTable::admit(ConnectionId id, Verdict verdict, Time now) {
  const auto slot = find(id);
  if (!slot) return false;
  Connection& connection = *connections_[*slot];
  if (connection.verdict || connection.handed_over) return false;
  connection.verdict = std::move(verdict);
  connection.verdict_until = now + kVerdictLifetime;
  return true;
}

std::optional<ConnectionTable::Verdict> ConnectionTable::use_verdict(Slot slot, Time now) {
  Connection& connection = *connections_[slot];
  auto verdict = std::exchange(connection.verdict, std::nullopt);
  if (!verdict || connection.handed_over || now >= connection.verdict_until) return std::nullopt;
  connection.handed_over = true;
  before_login_.erase({connection.opened, slot});
  return verdict;
}

void ConnectionTable::revoke(AccountId account) {
  for (auto& connection : connections_)
    if (connection && connection->verdict && connection->verdict->account == account)
      connection->verdict_until = {};
}

bool ConnectionTable::open_session(AccountId account) {
  if (sessions_ >= limits_.sessions) return false;
  std::uint32_t& count = per_account_[account];
  if (count >= limits_.per_account) return false;
  ++count;
  ++sessions_;
  return true;
}

void ConnectionTable::close_session(AccountId account) {
  const auto counted = per_account_.find(account);
  if (counted == per_account_.end()) return;
  --sessions_;
  if (--counted->second == 0) per_account_.erase(counted);
}

}  // namespace mailroom
