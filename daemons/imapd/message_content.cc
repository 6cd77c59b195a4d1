#include "daemons/imapd/message_content.h"

#include "libcommon/protocol/mime/summary.h"

namespace mailroom::imapd {

mailbox::Result<std::string_view> MessageContent::bytes() {
  if (!file_) {
    auto file = mail_->open_file(file_id_);
    if (!file) return std::unexpected(std::move(file.error()));
    file_ = std::move(*file);
  }
  return file_->bytes();
}

mailbox::Result<const mime::Message*> MessageContent::structure() {
  if (structure_) return &*structure_;
  auto summary = mail_->summary(file_id_);
  if (!summary) return std::unexpected(std::move(summary.error()));
  structure_ = mime::decode_summary(*summary);
  if (structure_) return &*structure_;
  // A summary that does not hold together is as good as none.
  const auto octets = bytes();
  if (!octets) return std::unexpected(octets.error());
  structure_ = mime::parse_message(*octets);
  return &*structure_;
}

}  // namespace mailroom::imapd
