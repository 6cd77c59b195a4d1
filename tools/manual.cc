#include "tools/manual.h"

#include <fmt/format.h>

#include <string_view>

#include "daemons/config/tables.h"
#include "daemons/events.h"
#include "libcommon/policy/policy.h"
#include "libcommon/policy/report_refusal.h"

namespace mailroom {

namespace {

// Plain text as mdoc input, each sentence on a line of its own.
std::string text_lines(std::string_view text) {
  std::string lines;
  bool at_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (at_start && (c == '.' || c == '\'')) lines += "\\&";
    const bool sentence_ends = c == '.' && text.substr(i + 1).starts_with(' ');
    if (c == '\\')
      lines += "\\e";
    else
      lines += c;
    at_start = sentence_ends;
    if (!sentence_ends) continue;
    lines += '\n';
    ++i;
  }
  return lines + '\n';
}

// One argument of a macro.
std::string argument(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"')
      quoted += "\"\"";
    else if (c == '\\')
      quoted += "\\e";
    else
      quoted += c;
  }
  return quoted + '"';
}

// Everything before the first dot: the part of the system that a key belongs to.
std::string_view section_of(std::string_view key) {
  const auto dot = key.find('.');
  if (dot == key.npos || key.starts_with("uid-")) return "instance";
  return key.substr(0, dot);
}

std::string facts_of(const config::BoundKey<Config>& key) {
  std::string facts;
  const auto defaults = key.show(Config{});
  if (!defaults.empty()) facts += fmt::format("Default: {}.\n", defaults.front());
  if (!key.bounds.empty()) facts += fmt::format("Bounds: {}.\n", key.bounds);
  if (key.occurs == config::Occurs::repeatedly) facts += "May be given several times.\n";
  switch (key.reload) {
  case config::Reload::at_once:
    facts += "A reload changes it.\n";
    break;
  case config::Reload::new_connections:
    facts += "A reload changes it for new connections.\n";
    break;
  case config::Reload::restart:
    facts += "A change needs a restart.\n";
    break;
  }
  return facts;
}

}  // namespace

std::string manual_of_keys() {
  std::string manual;
  std::string_view section;
  for (const auto& key : config::schema().keys()) {
    if (section_of(key.name) != section) {
      if (!section.empty()) manual += ".El\n";
      section = section_of(key.name);
      manual += fmt::format(".Ss {}\n.Bl -tag -width Ds\n", section == "instance" ? "The instance" : section);
    }
    manual += fmt::format(".It Ic {} Ar {}\n", key.name, argument(key.syntax));
    manual += text_lines(key.help) + facts_of(key);
  }
  return manual + ".El\n";
}

std::string manual_of_events() {
  static constexpr std::string_view kLevels[] = {"error", "warning", "info", "debug"};
  std::string manual = ".Bl -tag -width Ds\n";
  for (const auto& row : kEvents) {
    manual += fmt::format(".It Ic {} ({}){}\n", row.name, kLevels[static_cast<int>(row.level)],
                          row.keys.empty() ? "" : fmt::format(" Ar {}", argument(row.keys)));
    manual += text_lines(row.help);
  }
  return manual + ".El\n";
}

std::string manual_of_refusals() {
  std::string manual = ".Bl -tag -width Ds\n";
  const auto row = [&](std::string_view what, policy::RefusalMeaning meaning, std::string_view words) {
    const bool counts = meaning == policy::RefusalMeaning::address_is_bad;
    manual += fmt::format(".It Li {} ({}{})\n{}", what, policy::meaning_word(meaning),
                          counts ? ", counts" : "", text_lines(words));
  };
  for (const policy::RefusalRow& each : policy::refusal_rows())
    row(fmt::format("{}{}", each.enhanced, each.enhanced.ends_with('.') ? "*" : ""), each.meaning,
        each.words);
  for (const policy::BareRow& each : policy::bare_rows())
    row(fmt::format("{}, to RCPT, without an enhanced code", each.code), each.meaning, each.words);
  return manual + ".El\nAll others do not count.\n";
}

std::string manual_of_rules() {
  std::string manual = ".Bl -tag -width Ds\n";
  for (const policy::Rule& rule : policy::rules()) {
    manual += fmt::format(".It Ic {}\n{}", rule.name, text_lines(rule.when));
    manual += fmt::format(".br\n{} {}: {}", rule.code, rule.enhanced, text_lines(rule.text));
  }
  return manual + ".El\n";
}

}  // namespace mailroom
