#include "libcommon/protocol/dsn/advice.h"

#include <algorithm>
#include <array>

#include "libcommon/text/ascii.h"

namespace mailroom::dsn {
namespace {

constexpr std::string_view kCheckAddress =
    "Please check the address for spelling mistakes, or ask the recipient for the "
    "right one, and send the message again.";
constexpr std::string_view kAskOtherWay =
    "Please tell the recipient in another way, for example by telephone, or try again "
    "later.";
constexpr std::string_view kSmaller =
    "Please send less at once: put large files on a file server and send a link.";
constexpr std::string_view kAskRecipientAdmin =
    "Please read the words of the receiving system, and if they do not help, ask "
    "the recipient or the postmaster of $DOMAIN.";
constexpr std::string_view kAskOurAdmin =
    "Please forward this whole report to the postmaster who signs it below.";
constexpr std::string_view kTryAgain =
    "Please send the message again later; if that fails too, ask the postmaster who signs "
    "this report.";

// By subject; the most exact row counts, so a subject's own row stands for details that are not listed.
constexpr std::array kAdvice{
    Advice{"", "The receiving mail system did not take the message.", kAskRecipientAdmin},

    Advice{"1", "There is something wrong with the address.", kCheckAddress},
    Advice{"1.0", "There is something wrong with the address.", kCheckAddress},
    Advice{"1.1", "There is nobody with this address at $DOMAIN.", kCheckAddress},
    Advice{"1.2", "The domain $DOMAIN does not exist, or takes no mail.", kCheckAddress},
    Advice{"1.3", "The receiving system does not accept the form of this address.", kCheckAddress},
    Advice{"1.4", "The address stands for more than one recipient at $DOMAIN, and it is not clear which.",
           kCheckAddress},
    Advice{"1.6", "The recipient has moved, and left no new address.", kCheckAddress},
    Advice{"1.7", "The receiving system does not accept the form of your own address.", kAskOurAdmin},
    Advice{"1.8", "The receiving system could not verify the domain of your own address.", kAskOurAdmin},
    Advice{"1.9", "The next mail system on the way cannot report on deliveries.", kAskRecipientAdmin},
    Advice{"1.10", "The domain $DOMAIN has declared that it takes no mail at all.", kCheckAddress},

    Advice{"2", "There is a problem with the recipient's mailbox.", kAskOtherWay},
    Advice{"2.1", "The recipient's mailbox is switched off.", kAskOtherWay},
    Advice{"2.2", "The recipient's mailbox is full.", kAskOtherWay},
    Advice{"2.3", "The message is larger than this recipient may receive.", kSmaller},
    Advice{"2.4", "The mailing list could not be expanded.", kAskRecipientAdmin},

    Advice{"3", "There is a problem with the receiving mail system.", kTryAgain},
    Advice{"3.1", "The receiving mail system has no space left.", kTryAgain},
    Advice{"3.2", "The receiving mail system takes no mail at present.", kTryAgain},
    Advice{"3.3", "The receiving mail system cannot do something that this message needs.",
           kAskRecipientAdmin},
    Advice{"3.4", "The message is larger than the receiving mail system accepts.", kSmaller},
    Advice{"3.5", "The receiving mail system is not set up correctly.", kAskRecipientAdmin},

    Advice{"4", "The message could not be brought to $DOMAIN over the network.", kTryAgain},
    Advice{"4.1", "The mail system of $DOMAIN did not answer.", kTryAgain},
    Advice{"4.2", "The connection to the mail system of $DOMAIN broke down.", kTryAgain},
    Advice{"4.3", "The name service could not say where mail for $DOMAIN goes.", kTryAgain},
    Advice{"4.4", "No mail system for $DOMAIN could be found.", kCheckAddress},
    Advice{"4.5", "The receiving mail system is too busy.", kTryAgain},
    Advice{"4.6", "The message went round in circles between mail systems.", kAskOurAdmin},
    Advice{"4.7", "The message could not be delivered in time.", kTryAgain},
    Advice{"4.8", "The message went round in circles between mail systems.", kAskOurAdmin},

    Advice{"5", "The two mail systems did not understand each other.", kAskOurAdmin},
    Advice{"5.3", "The receiving mail system does not take so many recipients at once.", kTryAgain},

    Advice{"6", "The receiving mail system does not accept the form of the content.", kAskRecipientAdmin},
    Advice{"6.1", "The receiving mail system does not accept this kind of content.", kAskRecipientAdmin},
    Advice{"6.3", "The message would have to be converted, and that is not possible.",
           "Please send it without letters that are not ASCII, or as an attachment."},
    Advice{"6.7", "The receiving mail system does not take addresses with letters that are not ASCII.",
           "Please ask the recipient for an address in ASCII."},

    Advice{"7", "The receiving mail system refused the message by its policy.", kAskRecipientAdmin},
    Advice{"7.0", "The receiving mail system refused the message by its policy.", kAskRecipientAdmin},
    Advice{"7.1", "The receiving mail system does not let you send to this recipient.", kAskRecipientAdmin},
    Advice{"7.2", "You may not send to this mailing list.", "Please ask the owner of the list."},
    Advice{"7.4", "The message must be protected on its way, and the receiving mail system cannot do that.",
           kAskOurAdmin},
    Advice{"7.5", "The connection to the receiving mail system could not be protected as it must be.",
           kAskOurAdmin},
    Advice{"7.8", "This mail system could not log in to the next one.", kAskOurAdmin},
    Advice{"7.10", "The connection to the receiving mail system could not be protected as it must be.",
           kAskOurAdmin},
    Advice{"7.17", "The address belongs to somebody else now.", kCheckAddress},
    Advice{"7.20", "The receiving mail system found no valid signature on the message.", kAskOurAdmin},
    Advice{"7.21", "The receiving mail system found no acceptable signature on the message.", kAskOurAdmin},
    Advice{"7.23",
           "The receiving mail system does not believe that the message comes from your domain (SPF).",
           kAskOurAdmin},
    Advice{"7.25", "The receiving mail system does not accept this mail system's name (reverse DNS).",
           kAskOurAdmin},
    Advice{"7.26", "The receiving mail system does not believe that the message comes from your domain.",
           kAskOurAdmin},
    Advice{"7.30",
           "You asked that the message be sent over protected connections only, and the receiving mail "
           "system does "
           "not promise that.",
           "If the content may be known to others, send it again without that wish."},
};

// Numbers as RFC 3463 section 2 has them.
bool take_number(std::string_view& text) {
  constexpr std::size_t kMaxDigits = 3;
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  if (digits == 0 || digits > kMaxDigits || (text.front() == '0' && digits > 1)) return false;
  text.remove_prefix(digits);
  return true;
}

const Advice* find(std::string_view detail) {
  const auto* found = std::ranges::find(kAdvice, detail, &Advice::detail);
  return found == kAdvice.end() ? nullptr : found;
}

}  // namespace

bool is_status(std::string_view text) {
  constexpr std::string_view kClasses = "245";
  if (text.size() < 2 || kClasses.find(text[0]) == std::string_view::npos || text[1] != '.') return false;
  text.remove_prefix(2);
  if (!take_number(text) || !text.starts_with('.')) return false;
  text.remove_prefix(1);
  return take_number(text) && text.empty();
}

const Advice& advice_for(std::string_view status) {
  if (!is_status(status)) return kAdvice.front();
  const std::string_view detail = status.substr(2);
  if (const Advice* exact = find(detail)) return *exact;
  if (const Advice* subject = find(detail.substr(0, detail.find('.')))) return *subject;
  return kAdvice.front();
}

std::span<const Advice> all_advice() { return kAdvice; }

}  // namespace mailroom::dsn
