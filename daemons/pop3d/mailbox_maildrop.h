// The maildrop of an account: INBOX of its mailbox.
#pragma once

#include <functional>
#include <optional>

#include "daemons/pop3d/maildrop.h"
#include "spool/mailbox/mailbox.h"

namespace mailroom::pop3d {

class MailboxMaildrop : public Maildrop {
 public:
  using OnFailure = std::function<void(const mailbox::Failure&)>;

  // `on_failure` is told what an operator should know of; the client is told in POP3's words.
  MailboxMaildrop(mailbox::Mailbox& mail, OnFailure on_failure)
      : mail_{mail}, on_failure_{std::move(on_failure)} {}

  std::expected<void, MaildropFault> open() override;
  const std::vector<MaildropMessage>& messages() const override { return messages_; }
  std::expected<std::string_view, MaildropFault> content(std::size_t index) override;
  std::expected<void, MaildropFault> remove(const std::vector<std::size_t>& indexes) override;

 private:
  MaildropFault fault_of(const mailbox::Failure& failure);

  mailbox::Mailbox& mail_;
  OnFailure on_failure_;
  std::optional<mailbox::MaildropLock> lock_;
  std::vector<mailbox::MaildropEntry> entries_;
  std::vector<MaildropMessage> messages_;  // of entries_, in the same order
  std::optional<mailbox::MessageFile> file_;
};

}  // namespace mailroom::pop3d
