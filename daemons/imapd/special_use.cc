#include "daemons/imapd/special_use.h"

#include <array>
#include <utility>

#include "libcommon/text/ascii.h"

namespace mailroom::imapd {
namespace {

using mailbox::SpecialUse;

constexpr std::array<std::pair<SpecialUse, std::string_view>, 7> kNames{{
    {SpecialUse::all, "\\All"},
    {SpecialUse::archive, "\\Archive"},
    {SpecialUse::drafts, "\\Drafts"},
    {SpecialUse::flagged, "\\Flagged"},
    {SpecialUse::junk, "\\Junk"},
    {SpecialUse::sent, "\\Sent"},
    {SpecialUse::trash, "\\Trash"},
}};

}  // namespace

std::string_view name_of(SpecialUse use) {
  for (const auto& [known, name] : kNames) {
    if (known == use) return name;
  }
  return {};
}

std::optional<SpecialUse> special_use_of(std::string_view attribute) {
  for (const auto& [use, name] : kNames) {
    if (equals_ignoring_case(name, attribute)) return use;
  }
  return std::nullopt;
}

}  // namespace mailroom::imapd
