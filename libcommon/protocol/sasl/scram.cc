#include "libcommon/protocol/sasl/scram.h"

#include <algorithm>

#include "libcommon/protocol/sasl/utf8.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/base64.h"

namespace mailroom::sasl {
namespace {

// Takes what stands before the next comma, and the comma, from the front of `rest`; without a comma all.
std::string_view take_field(std::string_view& rest) {
  const std::size_t comma = rest.find(',');
  const std::string_view field = rest.substr(0, comma);
  rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
  return field;
}

// The value of attribute `letter`, which must stand at the front of `rest` and not be empty.
std::optional<std::string_view> take_attribute(std::string_view& rest, char letter) {
  const std::string_view field = take_field(rest);
  if (field.size() < 3 || field[0] != letter || field[1] != '=') return std::nullopt;
  return field.substr(2);
}

// saslname: "=2C" and "=3D" stand for what separates.
std::optional<std::string> decode_name(std::string_view text) {
  std::string name;
  for (; !text.empty(); text.remove_prefix(1)) {
    if (text.front() != '=') {
      name += text.front();
      continue;
    }
    const std::string_view code = text.substr(0, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    name += code == "=2C" ? ',' : '=';
    text.remove_prefix(2);
  }
  return name;
}

bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= kMaxScramNonce &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != ','; });
}

bool is_binding_type(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '.' || c == '-'; });
}

bool parse_binding_flag(std::string_view field, ScramClientFirst& into) {
  if (field == "n" || field == "y") {
    if (field == "y") into.binding = ScramClientFirst::Binding::not_offered;
    return true;
  }
  if (!field.starts_with("p=") || !is_binding_type(field.substr(2))) return false;
  into.binding = ScramClientFirst::Binding::used;
  into.binding_type = field.substr(2);
  return true;
}

bool parse_authzid(std::string_view field, ScramClientFirst& into) {
  if (field.empty()) return true;
  if (!field.starts_with("a=") || field.size() == 2) return false;
  auto name = decode_name(field.substr(2));
  if (name) into.authzid = std::move(*name);
  return name.has_value();
}

// *("," extensions): attributes that need not be understood.
bool are_extensions(std::string_view rest) {
  while (!rest.empty()) {
    const std::string_view field = take_field(rest);
    if (field.size() < 3 || !is_alpha(field[0]) || field[1] != '=') return false;
  }
  return true;
}

bool is_possible_message(std::string_view message) {
  return message.size() <= kMaxScramMessage && !message.contains('\0') && !message.ends_with(',') &&
         is_utf8(message);
}

}  // namespace

std::optional<ScramClientFirst> parse_scram_client_first(std::string_view message) {
  if (!is_possible_message(message)) return std::nullopt;
  ScramClientFirst first;
  std::string_view rest = message;
  if (!parse_binding_flag(take_field(rest), first) || !parse_authzid(take_field(rest), first))
    return std::nullopt;
  first.gs2_header = message.substr(0, message.size() - rest.size());
  first.bare = rest;
  const auto text = take_attribute(rest, 'n');
  auto name = text ? decode_name(*text) : std::nullopt;
  const auto nonce = take_attribute(rest, 'r');
  if (!name || !nonce || !is_nonce(*nonce) || !are_extensions(rest)) return std::nullopt;
  first.name = std::move(*name);
  first.nonce = *nonce;
  return first;
}

std::optional<ScramClientFinal> parse_scram_client_final(std::string_view message) {
  if (!is_possible_message(message)) return std::nullopt;
  const std::size_t last = message.rfind(",p=");  // the proof is what stands last
  if (last == message.npos) return std::nullopt;
  ScramClientFinal final;
  final.without_proof = message.substr(0, last);
  std::string_view rest = final.without_proof;
  const auto binding = take_attribute(rest, 'c');
  const auto nonce = take_attribute(rest, 'r');
  auto bound = binding ? decode_base64(*binding) : std::nullopt;
  auto proof = decode_base64(message.substr(last + 3));
  if (!bound || !nonce || !proof || proof->empty() || !are_extensions(rest)) return std::nullopt;
  final.channel_binding = std::move(*bound);
  final.nonce = *nonce;
  final.proof = std::move(*proof);
  return final;
}

std::string scram_server_first(std::string_view nonce, std::string_view salt, std::uint32_t iterations) {
  return "r=" + std::string{nonce} + ",s=" + encode_base64(salt) + ",i=" + std::to_string(iterations);
}

std::string scram_server_final(std::string_view signature) { return "v=" + encode_base64(signature); }

}  // namespace mailroom::sasl
