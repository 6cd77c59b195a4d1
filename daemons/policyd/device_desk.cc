#include "daemons/policyd/device_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemons/log.h"
#include "libcommon/text/ascii.h"

namespace mailroom::policyd {
namespace {

using policy::DeviceState;
using policy::DeviceStep;
using policy::Registration;

// Who suspends when nobody does.
constexpr std::string_view kSystem = "policyd";
// Octets of one page, so that it fits a packet.
constexpr std::size_t kMaxPageOctets = 48 * 1024;
// Devices that are looked through in one go for a sender address.
constexpr std::size_t kDevicesAtOnce = 500;

ToolRefused refused(std::string reason) { return {std::move(reason)}; }

policy::Device fact_of(DeviceState state) {
  switch (state) {
  case DeviceState::requested:
    return policy::Device::waiting;
  case DeviceState::active:
    return policy::Device::active;
  case DeviceState::suspended:
    return policy::Device::suspended;
  case DeviceState::removed:
    return policy::Device::removed;
  }
  return policy::Device::none;
}

// What an operator does not give: it stays as it was.
Registration with_kept_fields(Registration device, const Registration& before) {
  device.state = before.state;
  device.created = before.created;
  return device;
}

// As much of the rows as fits a packet; whether that is all of them.
template <typename Row>
bool cut_to_page(std::vector<Row>& rows, std::size_t most) {
  std::size_t octets = 0, kept = 0;
  while (kept < rows.size() && kept < most) {
    octets += ipc::encode(rows[kept]).size();
    if (octets > kMaxPageOctets && kept > 0) break;
    ++kept;
  }
  const bool all = kept == rows.size();
  rows.resize(kept);
  return all;
}

bool is_in(const std::vector<IpNetwork>& networks, const IpAddress& client) {
  return networks.empty() ||
         std::ranges::any_of(networks, [&](const IpNetwork& network) { return network.contains(client); });
}

}  // namespace

DeviceDesk::DeviceDesk(state::Directory& directory, const Config& config, OnChanged on_changed, Notify notify,
                       SystemClock system_clock)
    : directory_{directory}, config_{config}, on_changed_{std::move(on_changed)}, notify_{std::move(notify)},
      system_clock_{std::move(system_clock)} {}

// ---- what mr-device asks for

std::expected<void, ToolRefused> DeviceDesk::put(const Registration& device, DeviceStep step,
                                                 const DeviceReason& reason, std::string change) {
  if (reason.who.empty() || reason.why.empty()) return Refused{refused("who does it and why must be said")};
  auto update = directory_.update();
  const auto done =
      update.put_device(device, {system_clock_(), step, reason.who.substr(0, policy::kMaxDeviceText),
                                 reason.why.substr(0, policy::kMaxDeviceText), std::move(change)});
  if (!done) return Refused{refused(done.error())};
  update.commit();
  log::write("device-changed", {{"device", device.name},
                                {"step", policy::step_word(step)},
                                {"state", policy::state_word(device.state)},
                                {"who", reason.who},
                                {"reason", reason.why}});
  on_changed_(device.name);
  return {};
}

PolicydToTool DeviceDesk::handle(const RequestDevice& request) {
  auto device = policy::canonical_registration(request.device);
  if (!device) return refused(device.error());
  const auto before = directory_.view().device(device->name);
  const auto state =
      policy::after_step(before ? std::optional{before->state} : std::nullopt, DeviceStep::request);
  if (!state) return refused(state.error());
  device->state = *state;
  device->created = system_clock_();
  if (auto done = put(*device, DeviceStep::request, request.reason); !done) return done.error();
  return DeviceShown{std::move(*device)};
}

PolicydToTool DeviceDesk::handle(const StepDevice& request) {
  if (request.step == DeviceStep::request || request.step == DeviceStep::edit)
    return refused("that takes a registration");
  auto device = directory_.view().device(lower_case(request.name));
  const auto state = policy::after_step(device ? std::optional{device->state} : std::nullopt, request.step);
  if (!state) return refused(state.error());
  device->state = *state;
  if (auto done = put(*device, request.step, request.reason); !done) return done.error();
  if (request.step == DeviceStep::resume) counts_.erase(device->name);
  return DeviceShown{std::move(*device)};
}

PolicydToTool DeviceDesk::handle(const EditDevice& request) {
  auto device = policy::canonical_registration(request.device);
  if (!device) return refused(device.error());
  const auto before = directory_.view().device(device->name);
  const auto state =
      policy::after_step(before ? std::optional{before->state} : std::nullopt, DeviceStep::edit);
  if (!state) return refused(state.error());
  *device = with_kept_fields(std::move(*device), *before);
  std::string change = policy::changed_fields(*before, *device);
  if (change.empty()) return refused("nothing is different");
  if (auto done = put(*device, DeviceStep::edit, request.reason, std::move(change)); !done)
    return done.error();
  return DeviceShown{std::move(*device)};
}

PolicydToTool DeviceDesk::handle(const ShowDevice& request) {
  auto device = directory_.view().device(lower_case(request.name));
  if (!device) return refused("no device of that name is registered");
  return DeviceShown{std::move(*device)};
}

PolicydToTool DeviceDesk::handle(const ListDevices& request) {
  DevicePage page{directory_.view().devices_after(request.after, kDevicePageSize + 1), false};
  page.last = cut_to_page(page.devices, kDevicePageSize);
  return page;
}

PolicydToTool DeviceDesk::handle(const ListDeviceHistory& request) {
  const std::string name = lower_case(request.name);
  const auto view = directory_.view();
  if (!view.device(name)) return refused("no device of that name is registered");
  DeviceHistoryPage page{view.device_history(name, request.from, kHistoryPageSize + 1), false};
  page.last = cut_to_page(page.steps, kHistoryPageSize);
  return page;
}

// All in one transaction, as a few thousand of them shall not take a sync each.
PolicydToTool DeviceDesk::handle(const ImportDevices& request) {
  if (request.devices.size() > kMaxImportedDevices) return refused("too many devices at once");
  if (request.reason.who.empty() || request.reason.why.empty())
    return refused("who does it and why must be said");
  DevicesImported answer;
  const std::uint64_t now = system_clock_();
  auto update = directory_.update();
  const auto put_step = [&](const Registration& device, DeviceStep step) {
    return update.put_device(device, {now,
                                      step,
                                      request.reason.who.substr(0, policy::kMaxDeviceText),
                                      request.reason.why.substr(0, policy::kMaxDeviceText),
                                      {}});
  };
  const auto import_one = [&](const Registration& given) -> std::expected<void, std::string> {
    auto device = policy::canonical_registration(given);
    if (!device) return std::unexpected(device.error());
    const auto before = update.device(device->name);
    if (const auto state =
            policy::after_step(before ? std::optional{before->state} : std::nullopt, DeviceStep::request);
        !state)
      return std::unexpected(state.error());
    device->created = now;
    device->state = DeviceState::requested;
    if (auto requested = put_step(*device, DeviceStep::request); !requested) return requested;
    device->state = DeviceState::active;
    return put_step(*device, DeviceStep::approve);
  };
  for (const Registration& device : request.devices) {
    const auto done = import_one(device);
    answer.results.push_back({device.name, done ? "" : done.error()});
  }
  update.commit();
  for (const DeviceImported& result : answer.results)
    if (result.problem.empty()) on_changed_(lower_case(result.name));
  log::write("control-command",
             {{"tool", "mr-device"}, {"command", fmt::format("import of {}", answer.results.size())}});
  return answer;
}

// ---- which device it is

std::optional<DeviceFacts> DeviceDesk::facts_of(const std::optional<Registration>& device,
                                                const IpAddress& client, bool logged_in) const {
  if (!device || !is_in(device->networks, client)) return std::nullopt;
  return DeviceFacts{device->name, fact_of(device->state), logged_in, device->from, device->limits};
}

std::optional<DeviceFacts> DeviceDesk::by_principal(const std::string& principal,
                                                    const IpAddress& client) const {
  return facts_of(directory_.view().device_of_principal(principal), client, true);
}

std::optional<DeviceFacts> DeviceDesk::by_names(const std::vector<std::string>& names,
                                                const IpAddress& client) const {
  const auto view = directory_.view();
  for (const std::string& name : names)
    if (auto facts = facts_of(view.device_of_host(name), client, false)) return facts;
  return std::nullopt;
}

// ---- reports that could not be delivered

std::vector<Registration> DeviceDesk::devices_sending_as(const std::string& address) const {
  std::vector<Registration> found;
  const auto view = directory_.view();
  std::string after;
  for (;;) {
    auto devices = view.devices_after(after, kDevicesAtOnce);
    if (devices.empty()) return found;
    after = devices.back().name;
    for (Registration& device : devices)
      if (device.state == DeviceState::active && std::ranges::find(device.from, address) != device.from.end())
        found.push_back(std::move(device));
  }
}

// Counts this one, and forgets those before the window.
bool DeviceDesk::is_often_enough(const std::string& device) {
  auto& times = counts_[device];
  const std::uint64_t now = system_clock_();
  const auto window = static_cast<std::uint64_t>(config_.policyd.device_report_window.milliseconds / 1000);
  while (!times.empty() && times.front() + window <= now) times.pop_front();
  times.push_back(now);
  return times.size() >= config_.policyd.device_refused_reports;
}

void DeviceDesk::report_refused(const std::string& address, unsigned code, std::string_view enhanced) {
  if (config_.policyd.device_refused_reports == 0) return;
  if (policy::meaning_of_refusal(code, enhanced) != policy::RefusalMeaning::address_is_bad) return;
  try {
    const std::string why = fmt::format("a report to {} was refused: {} {}", address, code, enhanced);
    for (const Registration& device : devices_sending_as(lower_case(address)))
      if (is_often_enough(device.name)) suspend(device, why);
  } catch (const std::exception& error) {
    log::write("state-failed", {{"reason", error.what()}});
  }
}

void DeviceDesk::suspend(const Registration& device, const std::string& why) {
  if (config_.policyd.device_suspension == DeviceSuspension::report)
    return log::write("device-would-be-suspended", {{"device", device.name}, {"reason", why}});
  Registration suspended = device;
  suspended.state = DeviceState::suspended;
  if (!put(suspended, DeviceStep::suspend, {std::string{kSystem}, why})) return;
  counts_.erase(device.name);
  notify_(device.contacts, "Device " + device.name + " may not send mail any more",
          fmt::format(
              "The device {} ({}) sends mail as {}.\n\n"
              "That address cannot receive reports: {}.\n"
              "So mail that the device sends and that cannot be delivered would be lost without anybody's "
              "knowledge, and its mail is refused from now on.\n\n"
              "Please see to it that the address receives mail, or have another one registered, and then ask "
              "{} to release the device.\n",
              device.name, device.purpose, fmt::join(device.from, ", "), why, config_.policyd.help_desk));
}

}  // namespace mailroom::policyd
