// The registry of devices: what mr-device asks for, which device a connection is, and what follows from
// reports that could not be delivered.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/channels/tools_policyd.h"
#include "daemons/policyd/judge.h"
#include "libcommon/policy/device.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

class DeviceDesk {
 public:
  // The system's time in seconds since 1970; tests bring their own.
  using SystemClock = std::function<std::uint64_t()>;
  // Called for a device that must not go on as it does: suspended, removed or changed.
  using OnChanged = std::function<void(const std::string& device)>;
  // Has a message of the system sent to each of the addresses.
  using Notify = std::function<void(const std::vector<std::string>& to, const std::string& subject,
                                    const std::string& text)>;

  DeviceDesk(state::Directory& directory, const Config& config, OnChanged on_changed, Notify notify,
             SystemClock system_clock);

  // Each throws when the shared state cannot be read or written; nothing was changed then.  What was changed
  // is durable.
  PolicydToTool handle(const RequestDevice& request);
  PolicydToTool handle(const StepDevice& request);
  PolicydToTool handle(const EditDevice& request);
  PolicydToTool handle(const ShowDevice& request);
  PolicydToTool handle(const ListDevices& request);
  PolicydToTool handle(const ListDeviceHistory& request);
  PolicydToTool handle(const ImportDevices& request);

  // The device that a client is: by a principal that it has proved, or by the confirmed names of its address.
  // Nothing for one that is not registered, or that may not come from there.
  std::optional<DeviceFacts> by_principal(const std::string& principal, const IpAddress& client) const;
  std::optional<DeviceFacts> by_names(const std::vector<std::string>& names, const IpAddress& client) const;

  // A report to that address was refused for good (REQUIREMENTS C8).  Suspends the active devices that are
  // registered with it, when that has happened as often as the site says within its window.
  void report_refused(const std::string& address, unsigned code, std::string_view enhanced);

  void reconfigured() { counts_.clear(); }

 private:
  using Refused = std::unexpected<ToolRefused>;
  std::expected<void, ToolRefused> put(const policy::Registration& device, policy::DeviceStep step,
                                       const DeviceReason& reason, std::string change = {});
  std::optional<DeviceFacts> facts_of(const std::optional<policy::Registration>& device,
                                      const IpAddress& client, bool logged_in) const;
  std::vector<policy::Registration> devices_sending_as(const std::string& address) const;
  bool is_often_enough(const std::string& device);
  void suspend(const policy::Registration& device, const std::string& why);

  state::Directory& directory_;
  const Config& config_;
  OnChanged on_changed_;
  Notify notify_;
  SystemClock system_clock_;
  std::map<std::string, std::deque<std::uint64_t>> counts_;  // refused reports of each device, when
};

}  // namespace mailroom::policyd
