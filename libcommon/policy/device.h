// A device: a copier or a laboratory instrument that may send through the relay, as it is registered.
//
//   (nothing) -- request --> requested -- approve --> active -- suspend --> suspended
//   removed   -- request -->     |                     ^                       |
//                              reject                  +------- resume --------+
//                                v
//                             removed <-- remove -- requested, active, suspended
//
// Each step is dated, with who took it and why; nothing of that is ever taken back (append-only).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libcommon/policy/limits.h"
#include "libcommon/policy/quirks.h"
#include "libcommon/sys/ip_network.h"

namespace mailroom::policy {

enum class DeviceState : std::uint8_t { requested, active, suspended, removed, kLast = removed };

enum class DeviceStep : std::uint8_t {
  request,
  approve,
  reject,
  edit,
  suspend,
  resume,
  remove,
  kLast = remove
};

std::string_view state_word(DeviceState state);  // "requested"
std::string_view step_word(DeviceStep step);     // "request"
std::optional<DeviceState> parse_device_state(std::string_view word);

// The state after the step; in words why it cannot be taken.  `before` is nothing for a device that was never
// registered.
std::expected<DeviceState, std::string> after_step(std::optional<DeviceState> before, DeviceStep step);

// The steps by which a device that was never registered comes into that state; none for removed.
std::span<const DeviceStep> steps_to(DeviceState state);

// Bounds of one registration, so that it fits a record and a packet.
inline constexpr std::size_t kMaxDeviceName = 64;
inline constexpr std::size_t kMaxDeviceEntries = 20;  // of each list
inline constexpr std::size_t kMaxDeviceText = 500;    // octets of a text for people

struct Registration {
  std::string name;  // of the registration: a login name without "@", and the key
  DeviceState state = DeviceState::requested;
  std::vector<std::string> dns_names;   // host names, each of one device
  std::vector<std::string> principals;  // "smtp-relay/scanner1.example.edu", each of one device
  std::vector<IpNetwork> networks;      // where it may send from; empty: anywhere
  std::vector<std::string> from;        // addresses that it sends as, with their details; at least one
  std::vector<std::string> contacts;    // addresses of people; one or two
  std::string purpose;
  std::string owner;                  // the unit that it belongs to
  bool no_authentication = false;     // it cannot log in: known by its DNS name alone
  bool personal_senders = false;      // addresses in `from` may lead to one person
  std::uint32_t expected_volume = 0;  // messages in a day; 0: not said
  std::vector<LimitRow> limits;       // in place of the general ones, scope device
  Quirks quirks;                      // forgiven beside those of the listener
  std::uint64_t review = 0;           // seconds since 1970, a day: to be looked at again by then; 0: never
  std::uint64_t created = 0;

  bool operator==(const Registration&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.name, m.state, m.dns_names, m.principals, m.networks, m.from, m.contacts, m.purpose,
                    m.owner, m.no_authentication, m.personal_senders, m.expected_volume, m.limits, m.quirks,
                    m.review, m.created);
  }
};

// The registration in its one form: lower case names, no repeats.  In words what is wrong with it.
std::expected<Registration, std::string> canonical_registration(Registration device);

// "purpose, contacts": the fields in which the two differ, for the history; state, name and dates are left
// out.
std::string changed_fields(const Registration& before, const Registration& after);

// Whether the day of its review is over at that time, seconds since 1970.
bool review_has_passed(const Registration& device, std::uint64_t now);

struct DeviceHistory {
  std::uint64_t at = 0;  // seconds since 1970
  DeviceStep step = DeviceStep::request;
  std::string who;
  std::string why;
  std::string change;  // of edit: the fields
  bool operator==(const DeviceHistory&) const = default;
  static auto fields(auto& m) { return std::tie(m.at, m.step, m.who, m.why, m.change); }
};

}  // namespace mailroom::policy
