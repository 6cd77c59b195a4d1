#include "spool/mailbox/file_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace mailroom::mailbox {
namespace {

bool is_id_octet(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '+' || c == '-';
}

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Takes `prefix` and the field up to the next comma from the front.
std::optional<std::string_view> take_field(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return std::nullopt;
  rest.remove_prefix(prefix.size());
  const auto field = rest.substr(0, rest.find(','));
  rest.remove_prefix(field.size());
  return field;
}

template <typename T>
bool parse_whole(std::string_view digits, T& number, int base) {
  const auto end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number, base);
  return error == std::errc{} && stop == end;
}

}  // namespace

bool is_delivery_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdLength && id.front() != '.' &&
         std::ranges::all_of(id, is_id_octet);
}

bool is_append_id(std::string_view id) {
  return id.size() == 17 && id.front() == '~' && std::ranges::all_of(id.substr(1), is_lower_hex);
}

std::string format_file_name(const FileName& name) {
  return fmt::format("{},S={},C={:08x}", name.id, name.length, name.checksum);
}

std::optional<FileName> parse_file_name(std::string_view name) {
  FileName parsed;
  const auto id = take_field(name, "");
  const auto length = take_field(name, ",S=");
  const auto sum = take_field(name, ",C=");
  if (!id || !length || !sum || !name.empty()) return std::nullopt;
  if (!is_delivery_id(*id) && !is_append_id(*id)) return std::nullopt;
  if (length->starts_with('0') && length->size() > 1) return std::nullopt;
  if (sum->size() != 8 || !std::ranges::all_of(*sum, is_lower_hex)) return std::nullopt;
  if (!parse_whole(*length, parsed.length, 10) || !parse_whole(*sum, parsed.checksum, 16))
    return std::nullopt;
  parsed.id = *id;
  return parsed;
}

}  // namespace mailroom::mailbox
