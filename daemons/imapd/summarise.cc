#include "daemons/imapd/session.h"
#include "libcommon/protocol/mime/message.h"
#include "libcommon/protocol/mime/summary.h"

namespace mailroom::imapd {

void set_summary(mailbox::Options& options) {
  options.summarise = [](std::string_view message) {
    return mime::encode_summary(mime::parse_message(message));
  };
  options.summary_version = static_cast<std::uint32_t>(mime::kSummaryVersion);
}

}  // namespace mailroom::imapd
