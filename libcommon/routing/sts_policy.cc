#include "libcommon/routing/sts_policy.h"

#include <algorithm>

#include "libcommon/text/ascii.h"
#include "libcommon/text/host_name.h"

namespace mailroom::routing {
namespace {

constexpr std::string_view kVersionField = "v=STSv1";
constexpr std::size_t kMaxExtensionName = 32;

// ---- the TXT record

bool is_extension_value(std::string_view value) {
  return !value.empty() &&
         std::ranges::all_of(value, [](char c) { return is_visible(c) && c != ';' && c != '='; });
}

bool is_extension_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxExtensionName && is_alnum(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_label(std::string_view id) {
  return !id.empty() && id.size() <= kMaxStsLabel && std::ranges::all_of(id, is_alnum);
}

// The id of "v=STSv1; id=20160831085700Z;"; empty when the record is malformed.
std::string_view label_of(std::string_view record) {
  std::string_view label;
  std::string_view rest = record.substr(kVersionField.size());
  while (!trim_blanks(rest).empty()) {
    rest = trim_blanks(rest);
    if (!rest.starts_with(';')) return {};
    rest = trim_blanks(rest.substr(1));
    const std::string_view field = trim_blanks(rest.substr(0, rest.find(';')));
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
    if (field.empty()) return rest.empty() ? label : std::string_view{};
    const std::size_t equals = field.find('=');
    if (equals == field.npos) return {};
    const std::string_view name = field.substr(0, equals);
    const std::string_view value = field.substr(equals + 1);
    if (name == "id" ? !label.empty() || !is_label(value)
                     : !is_extension_name(name) || !is_extension_value(value))
      return {};
    if (name == "id") label = value;
  }
  return label;
}

// ---- the policy file

bool is_pattern(std::string_view pattern) {
  return is_host_name(pattern.starts_with("*.") ? pattern.substr(2) : pattern);
}

std::optional<StsMode> mode_of(std::string_view word) {
  if (word == "none") return StsMode::none;
  if (word == "testing") return StsMode::testing;
  if (word == "enforce") return StsMode::enforce;
  return std::nullopt;
}

// 1 to 10 digits; more than the greatest is the greatest.
std::optional<std::uint32_t> age_of(std::string_view digits) {
  constexpr std::size_t kMaxDigits = 10;
  const auto age = parse_decimal<std::uint64_t>(digits);
  if (!age || digits.size() > kMaxDigits) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(*age, kMaxStsMaxAge));
}

// The fields of a file as they come.  Of all but "mx" the first counts.
struct Fields {
  std::optional<std::string_view> version, mode, max_age;
  std::vector<std::string> mx;

  // What is wrong; null when it is fine.
  const char* add(std::string_view name, std::string_view value) {
    if (name == "version" && !version) version = value;
    if (name == "mode" && !mode) mode = value;
    if (name == "max_age" && !max_age) max_age = value;
    if (name != "mx") return nullptr;
    if (value.ends_with('.')) value.remove_suffix(1);
    if (!is_pattern(value)) return "an mx that is no pattern";
    if (mx.size() == kMaxStsMx) return "too many mx lines";
    mx.push_back(lower_case(value));
    return nullptr;
  }
};

std::expected<Fields, std::string> fields_of(std::string_view file) {
  Fields fields;
  while (!file.empty()) {
    const std::size_t end = file.find('\n');
    std::string_view line = file.substr(0, end);
    file.remove_prefix(end == file.npos ? file.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim_blanks(line);
    if (line.empty() && trim_blanks(file).empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return std::unexpected("a line without a colon");
    if (const char* wrong = fields.add(line.substr(0, colon), trim_blanks(line.substr(colon + 1)));
        wrong != nullptr)
      return std::unexpected(wrong);
  }
  return fields;
}

}  // namespace

std::optional<std::string> sts_label(const std::vector<std::string>& texts) {
  const auto is_sts = [](std::string_view text) {
    if (!text.starts_with(kVersionField)) return false;
    const std::string_view rest = trim_blanks(text.substr(kVersionField.size()));
    return rest.starts_with(';');
  };
  if (std::ranges::count_if(texts, is_sts) != 1) return std::nullopt;
  const std::string_view label = label_of(*std::ranges::find_if(texts, is_sts));
  if (label.empty()) return std::nullopt;
  return std::string{label};
}

std::expected<StsPolicy, std::string> parse_sts_policy(std::string_view file) {
  if (file.size() > kMaxStsPolicy) return std::unexpected("too long");
  auto fields = fields_of(file);
  if (!fields) return std::unexpected(fields.error());
  if (fields->version != "STSv1") return std::unexpected("not of version STSv1");
  const auto mode = fields->mode ? mode_of(*fields->mode) : std::nullopt;
  if (!mode) return std::unexpected("no known mode");
  const auto max_age = fields->max_age ? age_of(*fields->max_age) : std::nullopt;
  if (!max_age) return std::unexpected("no max_age in seconds");
  if (fields->mx.empty() && *mode != StsMode::none) return std::unexpected("no mx");
  return StsPolicy{*mode, std::move(fields->mx), *max_age};
}

bool sts_pattern_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return equals_ignoring_case(pattern, host);
  const std::size_t dot = host.find('.');
  return dot != host.npos && dot > 0 && equals_ignoring_case(pattern.substr(1), host.substr(dot));
}

bool sts_allows(const StsPolicy& policy, std::string_view host) {
  return std::ranges::any_of(policy.mx,
                             [&](const std::string& pattern) { return sts_pattern_matches(pattern, host); });
}

}  // namespace mailroom::routing
