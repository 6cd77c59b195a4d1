#include "libcommon/protocol/mime/content.h"

#include <algorithm>

#include "libcommon/protocol/mime/continuations.h"
#include "libcommon/protocol/rfc5322/lexer.h"
#include "libcommon/text/ascii.h"

namespace mailroom::mime {
namespace {

using rfc5322::Lexer;

// token of RFC 2045 5.1, and 8-bit octets that mail has in their place.
bool is_token_octet(char c) {
  return !rfc5322::is_white(c) && !is_control(c) &&
         std::string_view(R"(()<>@,;:\"/[]?=)").find(c) == std::string_view::npos;
}

std::string take_token(Lexer& lexer) {
  lexer.skip_cfws();
  return std::string(lexer.take_while(is_token_octet));
}

// What a value without quotes may hold: everything up to the next parameter or comment, since mail has file
// names with specials in them.
bool is_bare_value_octet(char c) { return !rfc5322::is_white(c) && c != ';' && c != '(' && c != '"'; }

// Nothing if a quoted string does not end: nobody knows what of the rest belongs to it.
std::optional<std::string> take_value(Lexer& lexer) {
  lexer.skip_cfws();
  if (!lexer.next_is('"')) return std::string(lexer.take_while(is_bare_value_octet));
  auto value = lexer.take_quoted_string();
  if (lexer.saw_unterminated()) return std::nullopt;
  return value;
}

// *(";" parameter).  Whatever is not a parameter is skipped up to the next semicolon.
std::vector<Parameter> take_parameters(Lexer& lexer) {
  std::vector<Parameter> parameters;
  while (!lexer.at_end() && parameters.size() < kMaxParameters) {
    lexer.skip_cfws();
    if (!lexer.take(';')) {
      if (!lexer.at_end()) lexer.skip();
      continue;
    }
    auto name = take_token(lexer);
    lexer.skip_cfws();
    if (name.empty() || !lexer.take('=')) continue;
    if (auto value = take_value(lexer)) parameters.push_back({std::move(name), std::move(*value)});
  }
  return join_continuations(std::move(parameters));
}

}  // namespace

bool ContentType::is(std::string_view a_type, std::string_view a_subtype) const {
  return is(a_type) && equals_ignoring_case(subtype, a_subtype);
}

bool ContentType::is(std::string_view a_type) const { return equals_ignoring_case(type, a_type); }

std::optional<std::string_view> find_parameter(const std::vector<Parameter>& parameters,
                                               std::string_view name) {
  const auto found = std::ranges::find_if(
      parameters, [&](const Parameter& parameter) { return equals_ignoring_case(parameter.name, name); });
  if (found == parameters.end()) return std::nullopt;
  return found->value;
}

std::optional<ContentType> parse_content_type(std::string_view value) {
  Lexer lexer(value);
  ContentType content;
  content.type = take_token(lexer);
  lexer.skip_cfws();
  if (content.type.empty() || !lexer.take('/')) return std::nullopt;
  content.subtype = take_token(lexer);
  lexer.skip_cfws();
  if (content.subtype.empty() || !(lexer.at_end() || lexer.next_is(';'))) return std::nullopt;
  content.parameters = take_parameters(lexer);
  return content;
}

std::optional<Disposition> parse_disposition(std::string_view value) {
  Lexer lexer(value);
  Disposition disposition;
  disposition.type = take_token(lexer);
  if (disposition.type.empty()) return std::nullopt;
  disposition.parameters = take_parameters(lexer);
  return disposition;
}

std::vector<std::string> parse_languages(std::string_view value) {
  std::vector<std::string> languages;
  Lexer lexer(value);
  while (!lexer.at_end() && languages.size() < kMaxLanguages) {
    auto language = take_token(lexer);
    if (!language.empty()) {
      languages.push_back(std::move(language));
    } else if (!lexer.at_end()) {
      lexer.skip();
    }
  }
  return languages;
}

std::optional<std::string> parse_transfer_encoding(std::string_view value) {
  Lexer lexer(value);
  auto encoding = take_token(lexer);
  lexer.skip_cfws();
  if (encoding.empty() || !lexer.at_end()) return std::nullopt;
  return encoding;
}

}  // namespace mailroom::mime
