// The tagged answer to a command.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "libcommon/protocol/imap/scanner.h"
#include "spool/mailbox/types.h"

namespace mailroom::imapd {

struct Reply {
  enum class Status { ok, no, bad };
  Status status = Status::ok;
  std::string text;  // with its response code, if any

  static Reply ok(std::string text) { return {Status::ok, std::move(text)}; }
  static Reply no(std::string text) { return {Status::no, std::move(text)}; }
  static Reply bad(std::string text) { return {Status::bad, std::move(text)}; }
  static Reply refused(const imap::SyntaxError& error);
  // Codes of RFC 5530.
  static Reply failed(const mailbox::Failure& failure);
};

std::string_view name_of(Reply::Status status);

}  // namespace mailroom::imapd
