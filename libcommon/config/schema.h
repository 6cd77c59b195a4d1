// Configuration as tables: one row for each key, from which parser, check, defaults and the man page come.
//
// A program part has a plain struct and a table of Key<Struct>:
//
//   constexpr Key<SmtpdConfig> kSmtpdKeys[] = {
//       {"command-timeout", Time{&SmtpdConfig::command_timeout, 1s, 1h}, Reload::new_connections, "How
//       long..."},
//   };
//
// A Schema<Root> binds the tables to the members of one Root struct under a prefix ("smtpd."), reads
// directives into it and shows it again.  Pure: no file is opened here.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "libcommon/config/directive.h"
#include "libcommon/config/suggest.h"
#include "libcommon/config/value.h"

namespace mailroom::config {

// When a changed value counts.
enum class Reload : std::uint8_t {
  at_once,          // after a reload
  new_connections,  // after a reload, for connections that come then
  restart,          // only when mailroomd is started again; a reload that changes it is refused
};

enum class Occurs : std::uint8_t { once, repeatedly };

using Result = std::expected<void, std::string>;
using Values = std::span<const std::string>;

template <typename S>
struct Number {
  std::uint32_t S::*member;
  std::uint32_t min, max;
};
template <typename S>
struct Size {
  std::uint64_t S::*member;
  std::uint64_t min, max;
};
template <typename S>
struct Time {
  Duration S::*member;
  Duration min, max;
};
template <typename S>
struct Flag {
  bool S::*member;
};
template <typename S>
struct Text {
  std::string S::*member;
  std::string_view syntax;                         // "HOST", "DIRECTORY"
  Parsed<std::string> (*parse)(std::string_view);  // checks and brings into the canonical form
};
template <typename S>
struct Custom {
  std::string_view syntax;
  Occurs occurs;
  Result (*set)(S&, Values);                   // called once for each directive
  std::vector<std::string> (*show)(const S&);  // the values of each directive, quoted where needed
};

template <typename S>
struct Key {
  std::string_view name;
  std::variant<Number<S>, Size<S>, Time<S>, Flag<S>, Text<S>, Custom<S>> kind;
  Reload reload;
  std::string_view help;  // whole sentences, plain text
};

namespace detail {

template <typename T>
Result assign_bounded(T& member, const Parsed<T>& parsed, T min, T max, std::string (*format)(T)) {
  if (!parsed) return std::unexpected(parsed.error());
  if (*parsed < min || *parsed > max)
    return std::unexpected(
        fmt::format("{} is not between {} and {}", format(*parsed), format(min), format(max)));
  member = *parsed;
  return {};
}

inline std::string format_number(std::uint64_t number) { return fmt::format("{}", number); }

// One value into one member; what the value may be is the row's kind.
template <typename S>
Result assign(const Number<S>& kind, S& into, std::string_view value) {
  std::uint64_t number = 0;
  const auto done =
      assign_bounded<std::uint64_t>(number, parse_number(value), kind.min, kind.max, format_number);
  if (done) into.*kind.member = static_cast<std::uint32_t>(number);
  return done;
}
template <typename S>
Result assign(const Size<S>& kind, S& into, std::string_view value) {
  return assign_bounded<std::uint64_t>(into.*kind.member, parse_size(value), kind.min, kind.max, format_size);
}
template <typename S>
Result assign(const Time<S>& kind, S& into, std::string_view value) {
  return assign_bounded<Duration>(into.*kind.member, parse_time(value), kind.min, kind.max, format_time);
}
template <typename S>
Result assign(const Flag<S>& kind, S& into, std::string_view value) {
  const auto flag = parse_flag(value);
  if (!flag) return std::unexpected(flag.error());
  into.*kind.member = *flag;
  return {};
}
template <typename S>
Result assign(const Text<S>& kind, S& into, std::string_view value) {
  auto text = kind.parse(value);
  if (!text) return std::unexpected(text.error());
  into.*kind.member = std::move(*text);
  return {};
}

template <typename Kind, typename S>
Result set(const Kind& kind, S& into, Values values) {
  if (values.size() != 1) return std::unexpected(fmt::format("takes one value, not {}", values.size()));
  return assign(kind, into, values.front());
}
template <typename S>
Result set(const Custom<S>& kind, S& into, Values values) {
  return kind.set(into, values);
}

template <typename S>
std::vector<std::string> show(const Number<S>& kind, const S& from) {
  return {format_number(from.*kind.member)};
}
template <typename S>
std::vector<std::string> show(const Size<S>& kind, const S& from) {
  return {format_size(from.*kind.member)};
}
template <typename S>
std::vector<std::string> show(const Time<S>& kind, const S& from) {
  return {format_time(from.*kind.member)};
}
template <typename S>
std::vector<std::string> show(const Flag<S>& kind, const S& from) {
  return {from.*kind.member ? "yes" : "no"};
}
template <typename S>
std::vector<std::string> show(const Text<S>& kind, const S& from) {
  if ((from.*kind.member).empty()) return {};
  return {quote(from.*kind.member)};
}
template <typename S>
std::vector<std::string> show(const Custom<S>& kind, const S& from) {
  return kind.show(from);
}

// What the value looks like, and its bounds, for people.
template <typename S>
std::pair<std::string, std::string> describe(const Number<S>& kind) {
  return {"NUMBER", fmt::format("{} to {}", kind.min, kind.max)};
}
template <typename S>
std::pair<std::string, std::string> describe(const Size<S>& kind) {
  return {"SIZE", fmt::format("{} to {}", format_size(kind.min), format_size(kind.max))};
}
template <typename S>
std::pair<std::string, std::string> describe(const Time<S>& kind) {
  return {"TIME", fmt::format("{} to {}", format_time(kind.min), format_time(kind.max))};
}
template <typename S>
std::pair<std::string, std::string> describe(const Flag<S>&) {
  return {"yes | no", ""};
}
template <typename S>
std::pair<std::string, std::string> describe(const Text<S>& kind) {
  return {std::string{kind.syntax}, ""};
}
template <typename S>
std::pair<std::string, std::string> describe(const Custom<S>& kind) {
  return {std::string{kind.syntax}, ""};
}

template <typename S>
Occurs occurs(const Key<S>& key) {
  const auto* custom = std::get_if<Custom<S>>(&key.kind);
  return custom != nullptr ? custom->occurs : Occurs::once;
}

}  // namespace detail

// A row that knows where in Root its value lives.
template <typename Root>
struct BoundKey {
  std::string name;    // with its prefix
  std::string syntax;  // "TIME", "HOST ..."
  std::string bounds;  // "1s to 1h"; empty for none
  Occurs occurs = Occurs::once;
  Reload reload = Reload::restart;
  std::string_view help;
  std::function<Result(Root&, Values)> set;
  std::function<std::vector<std::string>(const Root&)> show;
};

template <typename Root>
class Schema {
 public:
  // `select` gives the part of a Root that the table is about: S& of Root&, const S& of const Root&.
  template <typename S, typename Select>
  void add(std::string_view prefix, std::span<const Key<S>> table, Select select) {
    for (const auto& key : table) {
      auto [syntax, bounds] = std::visit([](const auto& kind) { return detail::describe(kind); }, key.kind);
      keys_.push_back(
          {fmt::format("{}{}", prefix, key.name), std::move(syntax), std::move(bounds), detail::occurs(key),
           key.reload, key.help,
           [&key, select](Root& root, Values values) {
             S& part = select(root);
             return std::visit([&](const auto& kind) { return detail::set(kind, part, values); }, key.kind);
           },
           [&key, select](const Root& root) {
             const S& part = select(root);
             return std::visit([&](const auto& kind) { return detail::show(kind, part); }, key.kind);
           }});
    }
  }

  const std::vector<BoundKey<Root>>& keys() const { return keys_; }

  const BoundKey<Root>* find(std::string_view name) const {
    for (const auto& key : keys_)
      if (key.name == name) return &key;
    return nullptr;
  }

  // Reads the directives into `root`; what is wrong is added to `errors`, and the rest is still read.
  void apply(const std::vector<Directive>& directives, std::string_view file, Root& root,
             std::vector<Error>& errors) const {
    std::map<std::string_view, unsigned> first_line;
    for (const auto& directive : directives) {
      const auto fail = [&](std::string reason) {
        errors.push_back({std::string{file}, directive.line, std::move(reason)});
      };
      const auto* key = find(directive.name);
      if (key == nullptr) {
        fail(unknown(directive.name));
        continue;
      }
      const auto [seen, is_first] = first_line.try_emplace(key->name, directive.line);
      if (!is_first && key->occurs == Occurs::once) {
        fail(fmt::format("{}: already given in line {}", key->name, seen->second));
        continue;
      }
      if (const auto done = key->set(root, directive.values); !done)
        fail(fmt::format("{}: {}", key->name, done.error()));
    }
  }

 private:
  std::string unknown(std::string_view name) const {
    std::vector<std::string_view> names;
    for (const auto& key : keys_) names.push_back(key.name);
    const auto meant = nearest(name, names);
    if (meant.empty()) return fmt::format("unknown key {}", quote(name));
    return fmt::format("unknown key {}; did you mean {}?", quote(name), meant);
  }

  std::vector<BoundKey<Root>> keys_;
};

}  // namespace mailroom::config
