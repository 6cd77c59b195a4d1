// Writes FETCH responses.
#pragma once

#include "daemons/imapd/context.h"
#include "daemons/imapd/message_content.h"
#include "libcommon/protocol/imap/fetch.h"

namespace mailroom::imapd {

class FetchWriter {
 public:
  // `context.selected` must be there; both outlive the writer.
  FetchWriter(Context& context, const imap::FetchRequest& request) : context_{context}, request_{request} {}

  // One response with the items of the request, and FLAGS if `flags_changed`.  A message whose content cannot
  // be read gets no response: the first such failure is kept.
  void write(const mailbox::Message& message, bool flags_changed);

  const std::optional<mailbox::Failure>& failure() const { return failure_; }

 private:
  bool load(MessageContent& content);
  void write_row_items(const mailbox::Message& message, std::uint32_t items);
  void write_structure_items(const mime::Message& structure);
  void write_section(MessageContent& content, const imap::FetchSection& wanted);
  void write_label(std::string_view label);
  void write_literal(std::string_view octets, const std::optional<imap::Partial>& partial);
  void separate();

  Context& context_;
  const imap::FetchRequest& request_;
  std::optional<mailbox::Failure> failure_;
  bool first_item_ = true;
};

}  // namespace mailroom::imapd
