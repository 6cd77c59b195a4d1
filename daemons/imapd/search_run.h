// A search program prepared for the selected mailbox, and asked of its messages.
#pragma once

#include <optional>
#include <vector>

#include "daemons/imapd/context.h"
#include "daemons/imapd/message_content.h"
#include "libcommon/protocol/imap/search.h"
#include "libcommon/text/charset.h"

namespace mailroom::imapd {

class SearchRun {
 public:
  // Both outlive the run; context.selected must be there.
  SearchRun(Context& context, const imap::SearchRequest& request);

  // The messages that can match as far as numbers and UIDs go.
  mailbox::UidSet candidates() const;

  // The row is asked first; a message is opened only when the answer depends on its content.  Content that
  // cannot be read matches nothing.
  bool matches(const mailbox::Message& message);

 private:
  // What of a step depends on the mailbox, or is dear to compute.
  struct Prepared {
    imap::NumberRanges ranges;
    std::optional<unsigned> keyword;
    std::optional<SearchKey> key;
  };
  const Prepared& prepared(const imap::SearchStep& step) const {
    return prepared_[static_cast<std::size_t>(&step - request_.steps.data())];
  }
  mailbox::UidSet members(std::size_t step) const;
  imap::Truth ask_row(const imap::SearchStep& step, const mailbox::Message& message) const;
  imap::Truth ask_content(const imap::SearchStep& step, const mailbox::Message& message,
                          MessageContent& content) const;

  Context& context_;
  const imap::SearchRequest& request_;
  std::vector<Prepared> prepared_;
  std::vector<imap::Truth> stack_;
};

}  // namespace mailroom::imapd
