// The fields of a device's registration as an operator sees them: one row for each, from which options,
// columns of CSV files, JSON and the aligned text come.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/policy/device.h"

namespace mailroom {

enum class Many : bool { no, yes };

struct DeviceField {
  std::string_view name;  // option --NAME, column and JSON key; "name" and "state" are no options
  Many many;              // may be given several times
  // Sets it, or adds to the list; in words what is wrong with the value.
  std::optional<std::string> (*set)(policy::Registration&, std::string_view value);
  std::vector<std::string> (*get)(const policy::Registration&);  // empty: not given
  void (*clear)(policy::Registration&);
};

std::span<const DeviceField> device_fields();
// Null for a name that is none.
const DeviceField* find_device_field(std::string_view name);

// A CSV file (RFC 4180) whose first line names the fields, "name" among them; entries of a list have blanks
// between them, and a device without a state is active.  All errors, each with its line.
std::expected<std::vector<policy::Registration>, std::vector<std::string>>
parse_device_csv(std::string_view text);
std::string device_csv_header();
std::string device_csv_line(const policy::Registration& device);

}  // namespace mailroom
