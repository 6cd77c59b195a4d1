#include "libcommon/protocol/smtp/reply.h"

#include <algorithm>
#include <functional>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/characters.h"

namespace mailroom::smtp {

namespace {

// RFC 5321 4.2: always three digits.
void append_code(std::string& out, std::uint16_t code) {
  for (const unsigned unit : {100U, 10U, 1U}) out += static_cast<char>('0' + code / unit % 10);
}

}  // namespace

void append_reply(std::string& out, std::uint16_t code, std::string_view enhanced, std::string_view text) {
  for (bool last = false; !last;) {
    const std::size_t lf = text.find('\n');
    last = lf == std::string_view::npos;
    const std::size_t begin = out.size();
    append_code(out, code);
    out += last ? ' ' : '-';
    if (!enhanced.empty()) out.append(enhanced) += ' ';
    const std::size_t room = kMaxReplyLine - 2 - (out.size() - begin);
    const std::size_t text_begin = out.size();
    out += text.substr(0, lf).substr(0, room);
    std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(text_begin), out.end(),
                    std::not_fn(is_printable), '?');
    out += "\r\n";
    if (!last) text.remove_prefix(lf + 1);
  }
}

}  // namespace mailroom::smtp
