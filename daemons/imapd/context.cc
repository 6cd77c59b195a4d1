#include "daemons/imapd/context.h"

#include <fmt/format.h>

namespace mailroom::imapd {

using Code = mailbox::Failure::Code;

namespace {

bool concerns_operator(Code code) {
  return code == Code::no_space || code == Code::damaged || code == Code::corrupt_index ||
         code == Code::failed;
}

}  // namespace

Reply Context::failed(const mailbox::Failure& failure) {
  if (concerns_operator(failure.code) && facts.on_failure) facts.on_failure(failure);
  return Reply::failed(failure);
}

void Context::take_in(mailbox::FolderId folder) {
  if (folder != mailbox::kInbox) return;
  // What cannot be taken in stays in new/; the client sees the mailbox as it is.
  if (const auto intake = mail.take_in(); !intake) static_cast<void>(failed(intake.error()));
}

void Context::end_with(std::string_view bye) {
  output.line(fmt::format("* BYE {}", bye));
  over = true;
}

void Context::tell_changes(Expunges expunges) {
  if (!selected || over) return;
  const auto looked = selected->look(mail);
  if (!looked && looked.error().code == Code::no_such_folder) {
    end_with("The selected mailbox was deleted");
    return;
  }
  if (!looked) static_cast<void>(failed(looked.error()));
  selected->tell(expunges, mod_sequences, output.text());
}

}  // namespace mailroom::imapd
