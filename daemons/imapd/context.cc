#include "daemons/imapd/context.h"

#include <fmt/format.h>

namespace mailroom::imapd {

using Code = mailbox::Failure::Code;

namespace {

// More new messages than this are left to the FETCH that wants them, so that SELECT does not wait.
constexpr std::size_t kSummarisedAtOnce = 1000;

bool concerns_operator(Code code) {
  return code == Code::no_space || code == Code::damaged || code == Code::corrupt_index ||
         code == Code::stale_index || code == Code::failed;
}

// After which nothing would be answered but NO.
bool ends_session(Code code) { return code == Code::corrupt_index || code == Code::stale_index; }

}  // namespace

Reply Context::failed(const mailbox::Failure& failure) {
  if (concerns_operator(failure.code) && facts.on_failure) facts.on_failure(failure);
  if (ends_session(failure.code) && !over) end_with("The mailbox must be opened again, please connect anew");
  return Reply::failed(failure);
}

void Context::take_in(mailbox::FolderId folder) {
  if (folder != mailbox::kInbox) return;
  const auto intake = mail.take_in();
  if (!intake) {  // what cannot be taken in stays in new/; the client sees the mailbox as it is
    static_cast<void>(failed(intake.error()));
    return;
  }
  if (intake->taken == 0) return;
  const auto inbox = mail.folder(folder);
  if (inbox) summarise(folder, {.first = inbox->uid_next - intake->taken});
}

// A failure here changes nothing: what is missing is computed when it is asked for.
void Context::summarise(mailbox::FolderId folder, mailbox::UidRange range) {
  const auto messages = mail.messages(folder, range, kSummarisedAtOnce);
  if (!messages) return;
  for (const mailbox::Message& message : *messages) static_cast<void>(mail.summary(message.file));
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
