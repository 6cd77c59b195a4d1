// The MIME fields of an entity (RFC 2045, RFC 2183, RFC 3282, RFC 2557).
//
// Parameters are as BODYSTRUCTURE shows them: continuations joined (RFC 2231 6), charset and percent signs
// left alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mailroom::mime {

// For each field; SECURITY.md V8 (6).  Those beyond are dropped.
inline constexpr std::size_t kMaxParameters = 100;
inline constexpr std::size_t kMaxLanguages = 100;

struct Parameter {
  std::string name;
  std::string value;

  bool operator==(const Parameter&) const = default;
  static auto fields(auto& m) { return std::tie(m.name, m.value); }
};

struct ContentType {
  std::string type = "text";
  std::string subtype = "plain";
  std::vector<Parameter> parameters;

  bool is(std::string_view a_type, std::string_view a_subtype) const;  // whatever the case
  bool is(std::string_view a_type) const;
  bool operator==(const ContentType&) const = default;
  static auto fields(auto& m) { return std::tie(m.type, m.subtype, m.parameters); }
};

struct Disposition {
  std::string type;
  std::vector<Parameter> parameters;

  bool operator==(const Disposition&) const = default;
  static auto fields(auto& m) { return std::tie(m.type, m.parameters); }
};

// The first parameter of that name, whatever the case.
std::optional<std::string_view> find_parameter(const std::vector<Parameter>& parameters,
                                               std::string_view name);

// Values of fields, folded or not.  Nothing when the field is not what its RFC says and counts as not there
// (RFC 2045 5.2); of the parameters those that can be read.
std::optional<ContentType> parse_content_type(std::string_view value);
std::optional<Disposition> parse_disposition(std::string_view value);
std::vector<std::string> parse_languages(std::string_view value);

// Content-Transfer-Encoding: the token, without comments.
std::optional<std::string> parse_transfer_encoding(std::string_view value);

}  // namespace mailroom::mime
