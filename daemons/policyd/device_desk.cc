#include "daemons/policyd/device_desk.h"

#include <fmt/format.h>

#include <utility>

#include "daemons/log.h"
#include "daemons/policyd/page_room.h"
#include "daemons/state_failure.h"
#include "libcommon/policy/suspension.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/day.h"

namespace mailroom::policyd {
namespace {

using policy::DeviceState;
using policy::DeviceStep;
using policy::Registration;

// Who takes a step when nobody does.
constexpr std::string_view kSystem = "policyd";
// Devices that are looked through in one go.
constexpr std::size_t kDevicesAtOnce = 500;
constexpr std::chrono::hours kReviewInterval{24};

constexpr std::string_view kNotRegistered = "no device of that name is registered";
constexpr std::string_view kChangedMeanwhile = "the device was changed meanwhile: look at it, and try again";
constexpr std::string_view kNoReason = "who does it and why must be said";

ToolRefused refused(std::string_view reason) { return {std::string{reason}}; }

bool is_said(const DeviceReason& reason) { return !reason.who.empty() && !reason.why.empty(); }

policy::DeviceHistory history_of(std::uint64_t at, DeviceStep step, const DeviceReason& reason,
                                 std::string change = {}) {
  return {at, step, reason.who.substr(0, policy::kMaxDeviceText),
          reason.why.substr(0, policy::kMaxDeviceText), std::move(change)};
}

std::optional<DeviceState> state_of(const std::optional<Registration>& device) {
  return device ? std::optional{device->state} : std::nullopt;
}

// What an operator does not give: it stays as it was.
Registration with_kept_fields(Registration device, const Registration& before) {
  device.state = before.state;
  device.created = before.created;
  return device;
}

// What counted against the device counts no more once somebody has looked at it; a new one begins with
// nothing.
void settle_reports(state::Update& update, const std::optional<Registration>& before, const Registration& now,
                    DeviceStep step) {
  if (step == DeviceStep::request || now.state == DeviceState::removed)
    return update.put_device_reports(now.name, {});
  const bool other_senders = before && before->from != now.from;
  if (step != DeviceStep::resume && !other_senders) return;
  state::DeviceReports reports = update.device_reports(now.name);
  policy::spend(reports.refused);
  update.put_device_reports(now.name, reports);
}

std::expected<void, std::string> put(state::Update& update, const Registration& device,
                                     const policy::DeviceHistory& history) {
  const auto before = update.device(device.name);
  if (auto done = update.put_device(device, history); !done) return done;
  settle_reports(update, before, device, history.step);
  return {};
}

void log_change(std::string_view device, DeviceState state, DeviceStep step, const DeviceReason& reason,
                std::string_view change = {}) {
  log::write("device-changed", {{"device", device},
                                {"step", policy::step_word(step)},
                                {"state", policy::state_word(state)},
                                {"who", reason.who},
                                {"why", reason.why},
                                {"change", change}});
}

}  // namespace

DeviceDesk::DeviceDesk(event::Loop& loop, state::Directory& directory, OnChanged on_changed,
                       SystemClock system_clock)
    : directory_{directory}, on_changed_{std::move(on_changed)}, system_clock_{std::move(system_clock)},
      review_timer_{loop, [this] { report_reviews(); }} {}

// ---- steps

std::expected<void, ToolRefused> DeviceDesk::change(const Registration& device, DeviceStep step,
                                                    const DeviceReason& reason, const std::string& fields) {
  if (!is_said(reason)) return Refused{refused(kNoReason)};
  auto update = directory_.update();
  const auto done = put(update, device, history_of(system_clock_(), step, reason, fields));
  if (!done) return Refused{refused(done.error())};
  update.commit();
  log_change(device.name, device.state, step, reason, fields);
  on_changed_(device.name);
  return {};
}

std::expected<Registration, ToolRefused> DeviceDesk::take_step(const std::string& name, DeviceStep step,
                                                               const DeviceReason& reason) {
  auto device = directory_.view().device(lower_case(name));
  const auto state = policy::after_step(state_of(device), step);
  if (!state) return Refused{refused(state.error())};
  device->state = *state;
  if (auto done = change(*device, step, reason); !done) return Refused{done.error()};
  return std::move(*device);
}

PolicydToTool DeviceDesk::handle(const StepDevice& request) {
  if (request.step == DeviceStep::request || request.step == DeviceStep::edit)
    return refused("that takes a registration");
  auto device = take_step(request.name, request.step, request.reason);
  if (!device) return device.error();
  return DeviceShown{std::move(*device)};
}

PolicydToTool DeviceDesk::handle(const RequestDevice& request) {
  auto device = policy::canonical_registration(request.device);
  if (!device) return refused(device.error());
  const auto state =
      policy::after_step(state_of(directory_.view().device(device->name)), DeviceStep::request);
  if (!state) return refused(state.error());
  device->state = *state;
  device->created = system_clock_();
  if (auto done = change(*device, DeviceStep::request, request.reason); !done) return done.error();
  return DeviceShown{std::move(*device)};
}

PolicydToTool DeviceDesk::handle(const EditDevice& request) {
  auto device = policy::canonical_registration(request.device);
  if (!device) return refused(device.error());
  const auto before = directory_.view().device(device->name);
  const auto state = policy::after_step(state_of(before), DeviceStep::edit);
  if (!state) return refused(state.error());
  if (*before != request.before) return refused(kChangedMeanwhile);
  *device = with_kept_fields(std::move(*device), *before);
  const std::string fields = policy::changed_fields(*before, *device);
  if (fields.empty()) return refused("nothing is different");
  if (auto done = change(*device, DeviceStep::edit, request.reason, fields); !done) return done.error();
  return DeviceShown{std::move(*device)};
}

void DeviceDesk::suspend(state::Update& update, Registration device, const std::string& why) const {
  device.state = DeviceState::suspended;
  const auto put = update.put_device(
      device, history_of(system_clock_(), DeviceStep::suspend, {std::string{kSystem}, why}));
  if (!put) throw state::Damaged("a registered device cannot be stored: " + put.error());
}

void DeviceDesk::suspended(const std::string& device, const std::string& why) {
  log_change(device, DeviceState::suspended, DeviceStep::suspend, {std::string{kSystem}, why});
  log::write("device-suspended", {{"device", device}, {"reason", why}});
  on_changed_(device);
}

// ---- import

std::expected<bool, std::string> DeviceDesk::import_one(state::Update& update, const Registration& given,
                                                        const DeviceReason& reason) const {
  auto device = policy::canonical_registration(given);
  if (!device) return std::unexpected(device.error());
  const auto before = update.device(device->name);
  if (before && before->state != DeviceState::removed) {
    const bool is_same = before->state == device->state && policy::changed_fields(*before, *device).empty();
    if (is_same) return false;
    return std::unexpected("a device of that name is registered already, and is another one");
  }
  const auto steps = policy::steps_to(device->state);
  if (steps.empty()) return std::unexpected("a removed device is not imported");
  device->created = system_clock_();
  std::optional<DeviceState> state = state_of(before);
  for (const DeviceStep step : steps) {
    const auto after = policy::after_step(state, step);
    if (!after) return std::unexpected(after.error());
    device->state = *after;
    state = *after;
    if (auto done = put(update, *device, history_of(device->created, step, reason)); !done)
      return std::unexpected(done.error());
  }
  return true;
}

// All in one transaction, as a few thousand of them shall not take a sync each.
PolicydToTool DeviceDesk::handle(const ImportDevices& request) {
  if (request.devices.size() > kMaxImportedDevices) return refused("too many devices at once");
  if (!is_said(request.reason)) return refused(kNoReason);
  DevicesImported answer;
  auto update = directory_.update();
  for (const Registration& device : request.devices) {
    const auto done = import_one(update, device, request.reason);
    answer.results.push_back({lower_case(device.name), done ? "" : done.error(), done.value_or(false)});
  }
  update.commit();
  for (std::size_t i = 0; i < request.devices.size(); ++i)
    if (answer.results[i].is_new)
      log_change(answer.results[i].name, request.devices[i].state,
                 policy::steps_to(request.devices[i].state).back(), request.reason);
  log::write("control-command",
             {{"tool", "mr-device"}, {"command", fmt::format("import of {}", answer.results.size())}});
  return answer;
}

// ---- showing

PolicydToTool DeviceDesk::handle(const ShowDevice& request) {
  auto device = directory_.view().device(lower_case(request.name));
  if (!device) return refused(kNotRegistered);
  return DeviceShown{std::move(*device)};
}

PolicydToTool DeviceDesk::handle(const FindPrincipal& request) {
  const auto view = directory_.view();
  const std::string principal = lower_case(request.principal);
  const auto device = view.device_of_principal(principal);
  return PrincipalFound{device ? device->name : "", view.account_named(principal).has_value()};
}

PolicydToTool DeviceDesk::handle(const ListDevices& request) {
  DevicePage page{directory_.view().devices_after(request.after, kDevicePageSize + 1), false};
  page.last = cut_to_page(page.devices, kDevicePageSize);
  return page;
}

PolicydToTool DeviceDesk::handle(const ListDeviceHistory& request) {
  const std::string name = lower_case(request.name);
  const auto view = directory_.view();
  if (!view.device(name)) return refused(kNotRegistered);
  DeviceHistoryPage page{view.device_history(name, request.from, kHistoryPageSize + 1), false};
  page.last = cut_to_page(page.steps, kHistoryPageSize);
  return page;
}

// ---- reviews

void DeviceDesk::report_reviews() try {
  review_timer_.start(kReviewInterval);
  const auto view = directory_.view();
  for (std::string after;;) {
    const auto devices = view.devices_after(after, kDevicesAtOnce);
    if (devices.empty()) return;
    after = devices.back().name;
    for (const Registration& device : devices)
      if (device.state == DeviceState::active && policy::review_has_passed(device, system_clock_()))
        log::write("device-review-passed", {{"device", device.name}, {"review", day_text(device.review)}});
  }
} catch (const std::exception& error) {
  on_state_failure(error);
}

}  // namespace mailroom::policyd
