// The registry of devices: what mr-device asks for, what the system itself does to a device, and reviews that
// are due.  Every change is on disk, with its step in the device's history, before it is answered and logged.
//
// The refused reports that count against a device (suspension_desk.h) are spent when somebody resumes it or
// gives it other sender addresses, and forgotten when it is removed or requested anew, in the same
// transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "daemons/channels/tools_policyd.h"
#include "libcommon/event/loop.h"
#include "libcommon/policy/device.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

class DeviceDesk {
 public:
  // Seconds since 1970; tests bring their own.
  using SystemClock = std::function<std::uint64_t()>;
  // Called with the name of each device that was there before, after a step of it.
  using OnChanged = std::function<void(const std::string& device)>;

  DeviceDesk(event::Loop& loop, state::Directory& directory, OnChanged on_changed, SystemClock system_clock);

  // Each throws when the shared state cannot be read or written; nothing was changed then.
  PolicydToTool handle(const RequestDevice& request);
  PolicydToTool handle(const StepDevice& request);
  PolicydToTool handle(const EditDevice& request);
  PolicydToTool handle(const ShowDevice& request);
  PolicydToTool handle(const FindPrincipal& request);
  PolicydToTool handle(const ListDevices& request);
  PolicydToTool handle(const ListDeviceHistory& request);
  PolicydToTool handle(const ImportDevices& request);

  // By the system, not by a person, in the caller's transaction; the device is active.  Once that is
  // committed, the caller says so.
  void suspend(state::Update& update, policy::Registration device, const std::string& why) const;
  void suspended(const std::string& device, const std::string& why);

  // Logs which active devices should have been reviewed, at once and then each day.
  void report_reviews();

 private:
  using Refused = std::unexpected<ToolRefused>;
  std::expected<policy::Registration, ToolRefused> take_step(const std::string& name, policy::DeviceStep step,
                                                             const DeviceReason& reason);
  // `fields`: those that an edit has changed.
  std::expected<void, ToolRefused> change(const policy::Registration& device, policy::DeviceStep step,
                                          const DeviceReason& reason, const std::string& fields = {});
  // Whether it is a new one.
  std::expected<bool, std::string> import_one(state::Update& update, const policy::Registration& given,
                                              const DeviceReason& reason) const;

  state::Directory& directory_;
  OnChanged on_changed_;
  SystemClock system_clock_;
  event::Timer review_timer_;
};

}  // namespace mailroom::policyd
