// The registry of devices: each with its names, its principals and its history.
#include <fmt/format.h>

#include <algorithm>

#include "spool/state/directory.h"
#include "spool/state/rows.h"

namespace mailroom::state {
namespace {

using policy::DeviceHistory;
using policy::DeviceState;
using policy::Registration;

std::expected<void, std::string> ok() { return {}; }

// A removed device has given back what it was known by.
bool is_known_by(const Registration& device) { return device.state != DeviceState::removed; }

}  // namespace

std::string history_key(std::string_view device, std::uint64_t number) {
  std::string key{device};
  key += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(number >> shift & 0xFF);
  return key;
}

// ---- looking

std::optional<Registration> View::device(std::string_view name) const {
  if (name.empty() || name.size() > policy::kMaxDeviceName) return std::nullopt;
  return get_record<Registration>(txn_, tables_.devices, name);
}

std::optional<Registration> View::device_by(lmdb::Dbi index, std::string_view key) const {
  if (key.empty() || key.size() > lmdb::kMaxKey) return std::nullopt;
  const auto name = get_record<std::string>(txn_, index, key);
  return name ? device(*name) : std::nullopt;
}

std::optional<Registration> View::device_of_host(std::string_view dns_name) const {
  return device_by(tables_.device_hosts, dns_name);
}

std::optional<Registration> View::device_of_principal(std::string_view principal) const {
  return device_by(tables_.device_principals, principal);
}

std::vector<Registration> View::devices_after(std::string_view after, std::size_t limit) const {
  std::vector<Registration> found;
  lmdb::Cursor cursor{txn_, tables_.devices};
  for (bool there = seek_after(cursor, after); there && found.size() < limit; there = cursor.next()) {
    auto device = decode_record<Registration>(cursor.key(), cursor.value());
    if (!device) throw Damaged("a device of the shared state is damaged");
    found.push_back(std::move(*device));
  }
  return found;
}

std::vector<DeviceHistory> View::device_history(std::string_view name, std::uint64_t from,
                                                std::size_t limit) const {
  std::vector<DeviceHistory> found;
  lmdb::Cursor cursor{txn_, tables_.device_history};
  const std::string prefix = std::string{name} + '\0';
  for (bool there = cursor.seek(history_key(name, from)); there && found.size() < limit;
       there = cursor.next()) {
    if (!cursor.key().starts_with(prefix)) break;
    auto entry = decode_record<DeviceHistory>(cursor.key(), cursor.value());
    if (!entry) throw Damaged("the history of a device is damaged");
    found.push_back(std::move(*entry));
  }
  return found;
}

// ---- changing

// What proves a principal would prove an account of the same name, too.
std::expected<void, std::string> Update::check_no_accounts(const std::vector<std::string>& principals) const {
  for (const std::string& principal : principals)
    if (account_named(principal)) return std::unexpected(principal + " is the name of an account");
  return ok();
}

// What another device is known by cannot be this one's.
std::expected<void, std::string> Update::check_free(lmdb::Dbi index, const std::vector<std::string>& keys,
                                                    std::string_view device) const {
  for (const std::string& key : keys) {
    const auto holder = get_record<std::string>(txn_, index, key);
    if (holder && *holder != device)
      return std::unexpected(fmt::format("{} is the device {} already", key, *holder));
  }
  return ok();
}

void Update::reindex(const Registration& device, lmdb::Dbi index, const std::vector<std::string>& before,
                     const std::vector<std::string>& now) {
  for (const std::string& key : before) txn_.erase(index, key);
  for (const std::string& key : now) put_record(txn_, index, key, device.name);
}

std::expected<void, std::string> Update::put_device(const Registration& device,
                                                    const DeviceHistory& history) {
  const std::optional<Registration> before = this->device(device.name);
  const Registration was = before && is_known_by(*before) ? *before : Registration{};
  const Registration known = is_known_by(device) ? device : Registration{};
  if (auto free = check_free(tables_.device_hosts, known.dns_names, device.name); !free) return free;
  if (auto free = check_free(tables_.device_principals, known.principals, device.name); !free) return free;
  if (auto none = check_no_accounts(known.principals); !none) return none;
  reindex(device, tables_.device_hosts, was.dns_names, known.dns_names);
  reindex(device, tables_.device_principals, was.principals, known.principals);
  put_record(txn_, tables_.devices, device.name, device);
  put_record(txn_, tables_.device_history, history_key(device.name, next_history(device.name)), history);
  return ok();
}

// Steps are numbered from 0 and never removed, so the number of the next is how many there are.
std::uint64_t Update::next_history(std::string_view name) const {
  lmdb::Cursor cursor{txn_, tables_.device_history};
  const std::string end = std::string{name} + '\1';
  const bool there = cursor.seek(end) ? cursor.previous() : cursor.last();
  const std::string prefix = std::string{name} + '\0';
  if (!there || !cursor.key().starts_with(prefix)) return 0;
  std::uint64_t number = 0;
  for (const char octet : cursor.key().substr(prefix.size()))
    number = number << 8 | static_cast<unsigned char>(octet);
  return number + 1;
}

}  // namespace mailroom::state
