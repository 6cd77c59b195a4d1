#include "libcommon/policy/device.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "libcommon/policy/address.h"
#include "libcommon/policy/login_name.h"
#include "libcommon/policy/sender_pattern.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/host_name.h"

namespace mailroom::policy {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kStateWords{"requested"sv, "active"sv, "suspended"sv, "removed"sv};
constexpr std::array kStepWords{"request"sv, "approve"sv, "reject"sv, "edit"sv,
                                "suspend"sv, "resume"sv,  "remove"sv};

constexpr DeviceStep kWayToSuspended[] = {DeviceStep::request, DeviceStep::approve, DeviceStep::suspend};
constexpr std::uint64_t kDay = 24 * 60 * 60;  // seconds

constexpr std::size_t kMaxPrincipal = 255;

// Where each step leads from where.
struct Transition {
  DeviceStep step;
  DeviceState from;
  DeviceState to;
};
constexpr Transition kTransitions[] = {
    {DeviceStep::request, DeviceState::removed, DeviceState::requested},
    {DeviceStep::approve, DeviceState::requested, DeviceState::active},
    {DeviceStep::reject, DeviceState::requested, DeviceState::removed},
    {DeviceStep::suspend, DeviceState::active, DeviceState::suspended},
    {DeviceStep::resume, DeviceState::suspended, DeviceState::active},
    {DeviceStep::remove, DeviceState::requested, DeviceState::removed},
    {DeviceStep::remove, DeviceState::active, DeviceState::removed},
    {DeviceStep::remove, DeviceState::suspended, DeviceState::removed},
    {DeviceStep::edit, DeviceState::requested, DeviceState::requested},
    {DeviceStep::edit, DeviceState::active, DeviceState::active},
    {DeviceStep::edit, DeviceState::suspended, DeviceState::suspended},
};

using Problem = std::unexpected<std::string>;

bool is_dns_name(std::string_view name) { return is_full_host_name(name, Underscores::allowed); }

// A login name with an instance: its password, or its ticket, is authd's business.
bool is_principal(std::string_view name) {
  return name.size() <= kMaxPrincipal && name.find('/') != name.npos && canonical_login_name(name) == name;
}

bool is_contact(std::string_view text) {
  const auto address = parse_address(text);
  return address && !address->domain.empty();
}

bool is_text(std::string_view text) {
  return text.size() <= kMaxDeviceText &&
         std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

void drop_repeats(std::vector<std::string>& list) {
  std::vector<std::string> kept;
  for (std::string& entry : list)
    if (std::ranges::find(kept, entry) == kept.end()) kept.push_back(std::move(entry));
  list = std::move(kept);
}

// One of the lists, with the form that its entries have.
struct ListRow {
  std::vector<std::string> Registration::*list;
  std::string_view problem;
  std::optional<std::string> (*form)(std::string_view text);
};

template <bool (*Good)(std::string_view)>
std::optional<std::string> lower_if(std::string_view text) {
  std::string lower = lower_case(text);
  return Good(lower) ? std::optional{std::move(lower)} : std::nullopt;
}

// One address: a whole domain cannot receive a report.
std::optional<std::string> sender_address(std::string_view text) {
  auto pattern = canonical_sender_pattern(text);
  return pattern && pattern->find('@') != 0 && *pattern != kAnySender ? pattern : std::nullopt;
}

std::optional<std::string> as_it_is_if_contact(std::string_view text) {
  return is_contact(text) ? std::optional{std::string{text}} : std::nullopt;
}

constexpr ListRow kLists[] = {
    {&Registration::dns_names, "no DNS name", lower_if<is_dns_name>},
    {&Registration::principals, "no principal (SERVICE/NAME)", lower_if<is_principal>},
    {&Registration::from, "no sender address", sender_address},
    {&Registration::contacts, "no address of a contact", as_it_is_if_contact},
};

std::optional<std::string> bring_into_form(Registration& device, const ListRow& row) {
  std::vector<std::string>& list = device.*row.list;
  if (list.size() > kMaxDeviceEntries) return std::string{row.problem} + ": too many";
  for (std::string& entry : list) {
    std::optional<std::string> in_form = row.form(entry);
    if (!in_form) return std::string{row.problem} + ": \"" + entry.substr(0, 100) + "\"";
    entry = std::move(*in_form);
  }
  drop_repeats(list);
  return std::nullopt;
}

}  // namespace

std::string_view state_word(DeviceState state) { return kStateWords[static_cast<std::size_t>(state)]; }
std::string_view step_word(DeviceStep step) { return kStepWords[static_cast<std::size_t>(step)]; }

std::optional<DeviceState> parse_device_state(std::string_view word) {
  const auto* found = std::ranges::find(kStateWords, word);
  if (found == kStateWords.end()) return std::nullopt;
  return static_cast<DeviceState>(found - kStateWords.begin());
}

std::expected<DeviceState, std::string> after_step(std::optional<DeviceState> before, DeviceStep step) {
  if (!before && step == DeviceStep::request) return DeviceState::requested;
  if (!before) return Problem{"no device of that name is registered"};
  const auto* found = std::ranges::find_if(
      kTransitions, [&](const Transition& each) { return each.step == step && each.from == *before; });
  if (found != std::end(kTransitions)) return found->to;
  return Problem{"the device is " + std::string{state_word(*before)} + ": there is no " +
                 std::string{step_word(step)}};
}

std::span<const DeviceStep> steps_to(DeviceState state) {
  if (state == DeviceState::removed) return {};
  return std::span{kWayToSuspended}.first(static_cast<std::size_t>(state) + 1);
}

bool review_has_passed(const Registration& device, std::uint64_t now) {
  return device.review != 0 && now >= kDay && now - kDay >= device.review;
}

std::expected<Registration, std::string> canonical_registration(Registration device) {
  device.name = lower_case(device.name);
  if (device.name.size() > kMaxDeviceName || device.name.find_first_of("@/") != std::string::npos ||
      canonical_login_name(device.name) != device.name)
    return Problem{"no name of a device: \"" + device.name.substr(0, 100) + "\""};
  for (const ListRow& row : kLists)
    if (auto problem = bring_into_form(device, row)) return Problem{std::move(*problem)};
  if (device.dns_names.empty() && device.principals.empty())
    return Problem{"it has neither a DNS name nor a principal"};
  if (device.no_authentication && device.dns_names.empty())
    return Problem{"it cannot log in, and has no DNS name"};
  if (device.from.empty()) return Problem{"it has no sender address"};
  if (device.contacts.empty() || device.contacts.size() > 2) return Problem{"it has one or two contacts"};
  if (device.purpose.empty()) return Problem{"its purpose is not said"};
  if (!is_text(device.purpose) || !is_text(device.owner))
    return Problem{"a text is too long or has control characters"};
  if (device.networks.size() > kMaxDeviceEntries || device.limits.size() > kMaxDeviceEntries)
    return Problem{"too many networks or limits"};
  if (device.quirks.detect_tls || device.quirks.add_fields)
    return Problem{"detect-tls and add-fields are of listeners"};
  if ((device.quirks.has_old_tls() || device.quirks.any_helo) && device.dns_names.empty())
    return Problem{"tls-min, old-ciphers and any-helo are of a DNS name, as they come before a login"};
  for (LimitRow& row : device.limits) row.scope = LimitScope::device;
  return device;
}

std::string changed_fields(const Registration& before, const Registration& after) {
  std::string fields;
  const auto compare = [&](bool same, std::string_view name) {
    if (!same) fields.append(fields.empty() ? "" : ", ").append(name);
  };
  compare(before.dns_names == after.dns_names, "DNS names");
  compare(before.principals == after.principals, "principals");
  compare(before.networks == after.networks, "networks");
  compare(before.from == after.from, "sender addresses");
  compare(before.contacts == after.contacts, "contacts");
  compare(before.purpose == after.purpose, "purpose");
  compare(before.owner == after.owner, "owner");
  compare(before.no_authentication == after.no_authentication, "whether it can log in");
  compare(before.personal_senders == after.personal_senders, "whether it may send as persons");
  compare(before.expected_volume == after.expected_volume, "expected volume");
  compare(before.limits == after.limits, "limits");
  compare(before.quirks == after.quirks, "quirks");
  compare(before.review == after.review, "review date");
  return fields;
}

}  // namespace mailroom::policy
