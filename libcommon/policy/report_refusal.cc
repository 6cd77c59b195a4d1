#include "libcommon/policy/report_refusal.h"

#include <algorithm>
#include <array>

namespace mailroom::policy {
namespace {

using enum RefusalMeaning;

constexpr std::array kRows{
    RefusalRow{"5.1.0", address_is_bad, "something is wrong with the address"},
    RefusalRow{"5.1.1", address_is_bad, "there is no such mailbox"},
    RefusalRow{"5.1.2", address_is_bad, "there is no such host or domain"},
    RefusalRow{"5.1.3", address_is_bad, "the address is none"},
    RefusalRow{"5.1.4", address_is_bad, "the address stands for several mailboxes"},
    RefusalRow{"5.1.6", address_is_bad, "the mailbox has moved"},
    RefusalRow{"5.1.10", address_is_bad, "the domain takes no mail"},
    RefusalRow{"5.1.", policy, "about the sender, not the recipient"},
    RefusalRow{"5.2.1", address_is_bad, "the mailbox is switched off"},
    RefusalRow{"5.2.2", mailbox_full, "the mailbox is full"},
    RefusalRow{"5.2.", server, "the message is too long, or a list was not expanded"},
    RefusalRow{"5.4.4", address_is_bad, "there is no way to the domain"},
    RefusalRow{"5.7.", policy, "the far side does not want it: of us, or of this message"},
};

constexpr std::array kBareRows{
    BareRow{550, address_is_bad, "the mailbox is not there"},
    BareRow{551, address_is_bad, "the user is not local"},
    BareRow{553, address_is_bad, "the name of the mailbox is not allowed"},
    BareRow{556, address_is_bad, "the domain takes no mail"},
    BareRow{552, mailbox_full, "too much storage"},
};

constexpr std::string_view kWords[] = {"bad-address", "mailbox-full", "policy", "server"};

bool covers(std::string_view row, std::string_view enhanced) {
  return row.ends_with('.') ? enhanced.starts_with(row) : enhanced == row;
}

}  // namespace

std::span<const RefusalRow> refusal_rows() { return kRows; }
std::span<const BareRow> bare_rows() { return kBareRows; }

RefusalMeaning meaning_of(RefusedAt at, unsigned code, std::string_view enhanced) {
  if (at == RefusedAt::session || (code != 0 && code / 100 != 5)) return server;
  if (!enhanced.empty()) {
    const auto row =
        std::ranges::find_if(kRows, [&](const RefusalRow& each) { return covers(each.enhanced, enhanced); });
    return row == kRows.end() ? server : row->meaning;
  }
  if (at != RefusedAt::recipient) return server;
  const auto row = std::ranges::find(kBareRows, code, &BareRow::code);
  return row == kBareRows.end() ? server : row->meaning;
}

std::string_view meaning_word(RefusalMeaning meaning) { return kWords[static_cast<std::size_t>(meaning)]; }

}  // namespace mailroom::policy
