#include "libcommon/protocol/smtp/reply.h"

#include <fmt/format.h>

#include <iterator>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/characters.h"

namespace mailroom::smtp {

void append_reply(std::string& out, std::uint16_t code, std::string_view enhanced, std::string_view text) {
  for (bool last = false; !last;) {
    const std::size_t lf = text.find('\n');
    last = lf == std::string_view::npos;
    const std::size_t begin = out.size();
    fmt::format_to(std::back_inserter(out), "{:03}{}{}{}", code, last ? ' ' : '-', enhanced,
                   enhanced.empty() ? "" : " ");
    const std::size_t room = kMaxReplyLine - 2 - (out.size() - begin);
    for (const char c : text.substr(0, lf).substr(0, room)) out += is_printable(c) ? c : '?';
    out += "\r\n";
    if (!last) text.remove_prefix(lf + 1);
  }
}

}  // namespace mailroom::smtp
