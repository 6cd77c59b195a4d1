#include "tools/device_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/text/ascii.h"
#include "libcommon/text/day.h"

namespace mailroom {
namespace {

using policy::Registration;
using Problem = std::optional<std::string>;
using Values = std::vector<std::string>;

template <Values Registration::*List>
constexpr DeviceField list_field(std::string_view name) {
  return {name, Many::yes,
          [](Registration& device, std::string_view value) -> Problem {
            (device.*List).emplace_back(value);
            return std::nullopt;
          },
          [](const Registration& device) { return device.*List; },
          [](Registration& device) { (device.*List).clear(); }};
}

template <std::string Registration::*Text>
constexpr DeviceField text_field(std::string_view name) {
  return {name, Many::no,
          [](Registration& device, std::string_view value) -> Problem {
            device.*Text = value;
            return std::nullopt;
          },
          [](const Registration& device) { return (device.*Text).empty() ? Values{} : Values{device.*Text}; },
          [](Registration& device) { (device.*Text).clear(); }};
}

Problem add_network(Registration& device, std::string_view value) {
  const auto network = parse_ip_network(value);
  if (!network) return fmt::format("\"{}\" is not a network", value);
  device.networks.push_back(*network);
  return std::nullopt;
}

Values networks_of(const Registration& device) {
  Values texts;
  for (const IpNetwork& network : device.networks) texts.push_back(network.text());
  return texts;
}

// A flag that is off in a registration of which nothing is said; `Yes`: what it is when it is on.
template <bool Registration::*Flag, bool Yes>
constexpr DeviceField flag_field(std::string_view name) {
  return {name, Many::no,
          [](Registration& device, std::string_view value) -> Problem {
            if (value != "yes" && value != "no") return fmt::format("\"{}\" is neither yes nor no", value);
            device.*Flag = (value == "yes") == Yes;
            return std::nullopt;
          },
          [](const Registration& device) { return device.*Flag ? Values{Yes ? "yes" : "no"} : Values{}; },
          [](Registration& device) { device.*Flag = false; }};
}

Problem set_state(Registration& device, std::string_view value) {
  const auto state = policy::parse_device_state(value);
  if (!state) return fmt::format("\"{}\" is no state of a device", value);
  device.state = *state;
  return std::nullopt;
}

Problem add_quirk(Registration& device, std::string_view value) {
  if (!policy::take_quirk(value, device.quirks)) return fmt::format("\"{}\" is no quirk", value);
  return std::nullopt;
}

Problem set_volume(Registration& device, std::string_view value) {
  const auto number = parse_decimal<std::uint32_t>(value);
  if (!number) return fmt::format("\"{}\" is not a number", value);
  device.expected_volume = *number;
  return std::nullopt;
}

Problem set_review(Registration& device, std::string_view value) {
  const auto day = parse_day(value);
  if (!day) return fmt::format("\"{}\" is not a day such as 2027-01-31", value);
  device.review = *day;
  return std::nullopt;
}

// "messages/day=500": in place of the general limit of devices
Problem add_limit(Registration& device, std::string_view value) {
  const std::size_t slash = value.find('/'), equals = value.find('=');
  if (slash == value.npos || equals == value.npos || equals < slash) return "a limit is UNIT/PERIOD=NUMBER";
  const auto unit = policy::parse_unit(value.substr(0, slash));
  const auto period = policy::parse_period(value.substr(slash + 1, equals - slash - 1));
  const auto number = parse_decimal<std::uint32_t>(value.substr(equals + 1));
  if (!unit || !period || !number)
    return fmt::format("\"{}\" is not a limit such as messages/day=500", value);
  device.limits.push_back({policy::LimitScope::device, *unit, *period, 0, *number});
  return std::nullopt;
}

Values limits_of(const Registration& device) {
  Values texts;
  for (const policy::LimitRow& row : device.limits)
    texts.push_back(
        fmt::format("{}/{}={}", policy::unit_word(row.unit), policy::period_word(row.period), row.hard));
  return texts;
}

constexpr DeviceField kFields[] = {
    text_field<&Registration::name>("name"),
    list_field<&Registration::dns_names>("dns-name"),
    list_field<&Registration::principals>("principal"),
    {"network", Many::yes, add_network, networks_of, [](Registration& device) { device.networks.clear(); }},
    list_field<&Registration::from>("from"),
    list_field<&Registration::contacts>("contact"),
    text_field<&Registration::purpose>("purpose"),
    text_field<&Registration::owner>("owner"),
    flag_field<&Registration::no_authentication, false>("can-log-in"),
    flag_field<&Registration::personal_senders, true>("personal-senders"),
    {"volume", Many::no, set_volume,
     [](const Registration& device) {
       return device.expected_volume == 0 ? Values{} : Values{std::to_string(device.expected_volume)};
     },
     [](Registration& device) { device.expected_volume = 0; }},
    {"limit", Many::yes, add_limit, limits_of, [](Registration& device) { device.limits.clear(); }},
    {"quirk", Many::yes, add_quirk,
     [](const Registration& device) { return policy::quirk_words(device.quirks); },
     [](Registration& device) { device.quirks = {}; }},
    {"review", Many::no, set_review,
     [](const Registration& device) {
       return device.review == 0 ? Values{} : Values{day_text(device.review)};
     },
     [](Registration& device) { device.review = 0; }},
    {"state", Many::no, set_state,
     [](const Registration& device) { return Values{std::string{policy::state_word(device.state)}}; },
     [](Registration& device) { device.state = policy::DeviceState::active; }},
};

// ---- CSV (RFC 4180)

// The cells of the next line; nothing when a quote does not end.
std::optional<Values> take_line(std::string_view& text) {
  Values cells(1);
  bool quoted = false;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (quoted && c == '"' && text.starts_with('"')) {
      cells.back() += c;
      text.remove_prefix(1);
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      cells.emplace_back();
    } else if (!quoted && c == '\n') {
      return cells;
    } else if (quoted || c != '\r') {
      cells.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return cells;
}

std::string cell_of(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return std::string{text};
  std::string cell = "\"";
  for (const char c : text) cell.append(c == '"' ? 2 : 1, c);
  return cell += '"';
}

Problem set_cell(Registration& device, const DeviceField& field, std::string_view cell) {
  if (field.many == Many::no) return cell.empty() ? std::nullopt : field.set(device, cell);
  while (!cell.empty()) {
    const std::size_t blank = std::min(cell.find(' '), cell.size());
    if (blank > 0)
      if (auto problem = field.set(device, cell.substr(0, blank))) return problem;
    cell.remove_prefix(std::min(blank + 1, cell.size()));
  }
  return std::nullopt;
}

std::expected<Registration, std::string> parse_row(const Values& cells,
                                                   std::span<const DeviceField* const> columns) {
  if (cells.size() != columns.size())
    return std::unexpected(fmt::format("{} cells, and the first line has {}", cells.size(), columns.size()));
  Registration device;
  device.state = policy::DeviceState::active;
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (auto problem = set_cell(device, *columns[i], cells[i])) return std::unexpected(std::move(*problem));
  return policy::canonical_registration(std::move(device));
}

}  // namespace

std::span<const DeviceField> device_fields() { return kFields; }

const DeviceField* find_device_field(std::string_view name) {
  const auto* found = std::ranges::find(kFields, name, &DeviceField::name);
  return found == std::end(kFields) ? nullptr : found;
}

std::expected<std::vector<Registration>, std::vector<std::string>> parse_device_csv(std::string_view text) {
  using Problems = std::unexpected<std::vector<std::string>>;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // which some spreadsheets put in front
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto header = take_line(text);
  std::vector<const DeviceField*> columns;
  for (const std::string& name : header.value_or(Values{})) {
    columns.push_back(find_device_field(name));
    if (columns.back() == nullptr) return Problems{{fmt::format("1: there is no field \"{}\"", name)}};
  }
  std::vector<Registration> devices;
  std::vector<std::string> problems;
  for (unsigned number = 2; !text.empty(); ++number) {
    const auto cells = take_line(text);
    if (!cells) {
      problems.push_back(fmt::format("{}: a quote that does not end", number));
      break;
    }
    if (*cells == Values{""}) continue;
    auto device = parse_row(*cells, columns);
    if (device) {
      devices.push_back(std::move(*device));
    } else {
      problems.push_back(fmt::format("{}: {}", number, device.error()));
    }
  }
  if (!problems.empty()) return Problems{std::move(problems)};
  return devices;
}

std::string device_csv_header() {
  std::string line;
  for (const DeviceField& field : kFields) line.append(line.empty() ? "" : ",").append(field.name);
  return line;
}

std::string device_csv_line(const Registration& device) {
  std::string line;
  for (const DeviceField& field : kFields) {
    if (&field != std::begin(kFields)) line += ',';
    line += cell_of(fmt::format("{}", fmt::join(field.get(device), " ")));
  }
  return line;
}

}  // namespace mailroom
