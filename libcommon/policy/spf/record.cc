#include "libcommon/policy/spf/record.h"

#include <algorithm>
#include <utility>

#include "libcommon/policy/spf/macro.h"
#include "libcommon/sys/ip_network.h"
#include "libcommon/text/ascii.h"

namespace mailroom::spf {
namespace {

constexpr std::string_view kVersion = "v=spf1";

constexpr struct {
  std::string_view name;
  Mechanism mechanism;
} kMechanisms[] = {
    {"all", Mechanism::all}, {"include", Mechanism::include}, {"a", Mechanism::a},
    {"mx", Mechanism::mx},   {"ptr", Mechanism::ptr},         {"ip4", Mechanism::ip4},
    {"ip6", Mechanism::ip6}, {"exists", Mechanism::exists},
};

std::optional<Qualifier> qualifier_of(char c) {
  switch (c) {
  case '+':
    return Qualifier::pass;
  case '-':
    return Qualifier::fail;
  case '~':
    return Qualifier::softfail;
  case '?':
    return Qualifier::neutral;
  default:
    return {};
  }
}

// Digits without a leading zero, up to `most`.
std::optional<unsigned> read_length(std::string_view text, unsigned most) {
  if (text.size() > 1 && text.front() == '0') return {};
  const auto bits = parse_decimal<unsigned>(text);
  return bits && *bits <= most ? bits : std::nullopt;
}

// Takes `mark` and the digits after it from the end of `rest`, if it ends so; false for a length that is
// none.
bool take_length(std::string_view& rest, std::string_view mark, unsigned& bits) {
  const std::size_t at = rest.rfind(mark);
  if (at == rest.npos) return true;
  const std::string_view digits = rest.substr(at + mark.size());
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return true;
  const auto length = read_length(digits, bits);
  if (!length) return false;
  bits = *length;
  rest = rest.substr(0, at);
  return true;
}

// [":" domain-spec]
bool take_domain(std::string_view rest, Directive& directive) {
  if (rest.empty()) return true;
  if (rest.front() != ':' || !is_domain_spec(rest.substr(1))) return false;
  directive.domain = rest.substr(1);
  return true;
}

bool take_address(std::string_view rest, Directive& directive) {
  const bool is_v4 = directive.mechanism == Mechanism::ip4;
  if (!take_length(rest, "/", is_v4 ? directive.v4_bits : directive.v6_bits)) return false;
  if (!rest.starts_with(':') || rest.find('/') != rest.npos) return false;
  const std::string_view text = rest.substr(1);
  const auto network = parse_ip_network(text);
  if (!network || is_v4 == (text.find(':') != text.npos)) return false;
  directive.address = network->base;
  return true;
}

bool take_arguments(std::string_view rest, Directive& directive) {
  switch (directive.mechanism) {
  case Mechanism::all:
    return rest.empty();
  case Mechanism::include:
  case Mechanism::exists:
    return !rest.empty() && take_domain(rest, directive);
  case Mechanism::ptr:
    return take_domain(rest, directive);
  case Mechanism::a:
  case Mechanism::mx:
    return take_length(rest, "//", directive.v6_bits) && take_length(rest, "/", directive.v4_bits) &&
           take_domain(rest, directive);
  case Mechanism::ip4:
  case Mechanism::ip6:
    return take_address(rest, directive);
  }
  return false;
}

bool add_directive(Record& record, std::string_view term) {
  Directive directive{.text = std::string{term}};
  if (const auto qualifier = qualifier_of(term.front())) {
    directive.qualifier = *qualifier;
    term.remove_prefix(1);
  }
  const std::string_view name = term.substr(0, term.find_first_of(":/"));
  const auto* known = std::ranges::find_if(
      kMechanisms, [&](const auto& row) { return equals_ignoring_case(row.name, name); });
  if (known == std::end(kMechanisms)) return false;
  directive.mechanism = known->mechanism;
  if (!take_arguments(term.substr(name.size()), directive)) return false;
  record.directives.push_back(std::move(directive));
  return true;
}

bool is_modifier_name(std::string_view name) {
  const auto may_follow = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && is_alpha(name.front()) && std::ranges::all_of(name, may_follow);
}

// What the record has at most once (RFC 7208 6).
struct Modifiers {
  bool redirect = false;
  bool explanation = false;
};

bool add_modifier(Record& record, Modifiers& seen, std::string_view name, std::string_view value) {
  const bool is_redirect = equals_ignoring_case(name, "redirect");
  const bool is_explanation = equals_ignoring_case(name, "exp");
  if (!is_redirect && !is_explanation) return is_macro_string(value);
  bool& has = is_redirect ? seen.redirect : seen.explanation;
  if (std::exchange(has, true) || !is_domain_spec(value)) return false;
  if (is_redirect) record.redirect = value;
  return true;
}

bool add_term(Record& record, Modifiers& seen, std::string_view term) {
  const std::size_t equals = term.find('=');
  if (equals != term.npos && is_modifier_name(term.substr(0, equals)))
    return add_modifier(record, seen, term.substr(0, equals), term.substr(equals + 1));
  return add_directive(record, term);
}

}  // namespace

bool is_record(std::string_view text) {
  return starts_with_ignoring_case(text, kVersion) &&
         (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

std::optional<Record> parse_record(std::string_view text) {
  text.remove_prefix(std::min(kVersion.size(), text.size()));
  Record record;
  Modifiers seen;
  while (!text.empty()) {
    const std::string_view term = text.substr(0, text.find(' '));
    if (!term.empty() && !add_term(record, seen, term)) return {};
    text.remove_prefix(std::min(term.size() + 1, text.size()));
  }
  return record;
}

}  // namespace mailroom::spf
