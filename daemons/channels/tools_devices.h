// What mr-device asks of policyd: the registry of devices.  Part of the conversation of
// daemons/channels/tools_policyd.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "libcommon/policy/device.h"

namespace mailroom {

inline constexpr std::size_t kMaxImportedDevices = 200;     // of one ImportDevices
inline constexpr std::size_t kMaxImportOctets = 48 * 1024;  // of their encoded registrations
inline constexpr std::size_t kDevicePageSize = 200;         // devices of one page, if they fit
inline constexpr std::size_t kHistoryPageSize = 100;        // steps of one page, if they fit

// Who does it, and why: both go into the history.
struct DeviceReason {
  std::string who;
  std::string why;
  static auto fields(auto& m) { return std::tie(m.who, m.why); }
};

struct RequestDevice {
  policy::Registration device;  // its state and dates are not looked at
  DeviceReason reason;
  static auto fields(auto& m) { return std::tie(m.device, m.reason); }
};
struct StepDevice {  // approve, reject, suspend, resume, remove
  std::string name;
  policy::DeviceStep step = policy::DeviceStep::approve;
  DeviceReason reason;
  static auto fields(auto& m) { return std::tie(m.name, m.step, m.reason); }
};
struct EditDevice {  // all of it but state and dates
  policy::Registration device;
  policy::Registration before;  // what it was made from: refused when that is not what is there now
  DeviceReason reason;
  static auto fields(auto& m) { return std::tie(m.device, m.before, m.reason); }
};
struct ShowDevice {
  std::string name;
  static auto fields(auto& m) { return std::tie(m.name); }
};
struct FindPrincipal {
  std::string principal;
  static auto fields(auto& m) { return std::tie(m.principal); }
};
struct ListDevices {
  std::string after;  // a name; empty: from the beginning
  static auto fields(auto& m) { return std::tie(m.after); }
};
struct ListDeviceHistory {
  std::string name;
  std::uint64_t from = 0;  // number of the step
  static auto fields(auto& m) { return std::tie(m.name, m.from); }
};
// Each by itself goes all the steps to its state.  Nothing is done for one that is there as it is given, and
// another one of a name that is there is refused.
struct ImportDevices {
  std::vector<policy::Registration> devices;
  DeviceReason reason;
  static auto fields(auto& m) { return std::tie(m.devices, m.reason); }
};

struct DeviceShown {
  policy::Registration device;
  static auto fields(auto& m) { return std::tie(m.device); }
};
struct PrincipalFound {
  std::string device;  // that is not removed; empty: none has it
  bool account = false;
  static auto fields(auto& m) { return std::tie(m.device, m.account); }
};
struct DevicePage {
  std::vector<policy::Registration> devices;
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.devices, m.last); }
};
struct DeviceHistoryPage {
  std::vector<policy::DeviceHistory> steps;
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.steps, m.last); }
};
struct DeviceImported {
  std::string name;
  std::string problem;  // empty: it is registered
  bool is_new = false;  // it was not there before
  static auto fields(auto& m) { return std::tie(m.name, m.problem, m.is_new); }
};
struct DevicesImported {  // durable; in the order of the request
  std::vector<DeviceImported> results;
  static auto fields(auto& m) { return std::tie(m.results); }
};

}  // namespace mailroom
