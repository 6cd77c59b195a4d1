#include "libcommon/protocol/pop3/response.h"

#include "libcommon/protocol/pop3/bounds.h"
#include "libcommon/text/ascii.h"

namespace mailroom::pop3 {
namespace {

void append_line(std::string& out, std::string_view status, std::string_view code, std::string_view text) {
  const std::size_t begin = out.size();
  out += status;
  if (!code.empty()) out.append(" [").append(code).append("]");
  if (!text.empty()) out += ' ';
  const std::size_t room = kMaxReplyLine - 2 - (out.size() - begin);
  for (const char c : text.substr(0, room)) out += is_control(c) || is_8bit(c) ? '?' : c;
  out += "\r\n";
}

}  // namespace

void append_ok(std::string& out, std::string_view text) { append_line(out, "+OK", {}, text); }

void append_error(std::string& out, std::string_view code, std::string_view text) {
  append_line(out, "-ERR", code, text);
}

}  // namespace mailroom::pop3
