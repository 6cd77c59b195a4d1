// Reports for tests.
#pragma once

#include <string>

#include "libcommon/protocol/dsn/report.h"

namespace mailroom::dsn::test {

inline constexpr std::int64_t kNow = 1'795'312'800;  // Sun, 22 Nov 2026 02:00:00 +0000

inline Recipient failed(std::string address = "nobody@far.example") {
  return {.address = std::move(address),
          .orcpt = "",
          .action = Action::failed,
          .status = "5.1.1",
          .expired = false,
          .host = "mx1.far.example",
          .reply = "550 5.1.1 No such user here",
          .problem = "",
          .attempted = kNow};
}

inline Report report(std::vector<Recipient> recipients = {failed()}) {
  return {.host = "mail.campus.example",
          .from = "postmaster@campus.example",
          .recipient = "anna@campus.example",
          .id = "0123456789ab.1",
          .now = kNow,
          .arrived = kNow - 60,
          .tried_until = 0,
          .envid = "",
          .recipients = std::move(recipients)};
}

inline const std::string kMessage = "Received: from x\r\n"
                                    "From: anna@campus.example\r\n"
                                    "Subject: Lunch on Monday\r\n"
                                    "Message-ID: <1@campus.example>\r\n"
                                    "\r\n"
                                    "Shall we?\r\n";

}  // namespace mailroom::dsn::test
