#include "daemons/smtpd/verbs.h"

#include <algorithm>

#include "daemons/smtpd/session.h"

namespace mailroom {
namespace {

using smtp::Verb;

constexpr Phases kAny = Phase::fresh | Phase::ready | Phase::mail | Phase::recipients | Phase::chunks;
constexpr Phases kReady = static_cast<Phases>(Phase::ready);

constexpr std::string_view kEndTransaction = "A mail transaction is open; end it or send RSET first";

// BDAT is legal everywhere because its octets must be read in any case.
constexpr VerbRow kVerbs[] = {
    {"AUTH", Verb::auth, kReady, &SmtpSession::auth, kEndTransaction},
    {"BDAT", Verb::bdat, kAny, &SmtpSession::bdat, ""},
    {"DATA", Verb::data, Phase::mail | Phase::recipients, &SmtpSession::data,
     "Send MAIL and RCPT first, and do not mix DATA with BDAT"},
    {"EHLO", Verb::ehlo, kAny, &SmtpSession::ehlo, ""},
    {"EXPN", Verb::expn, kAny, &SmtpSession::expn, ""},
    {"HELO", Verb::helo, kAny, &SmtpSession::helo, ""},
    {"HELP", Verb::help, kAny, &SmtpSession::help, ""},
    {"MAIL", Verb::mail, kReady, &SmtpSession::mail, kEndTransaction},
    {"NOOP", Verb::noop, kAny, &SmtpSession::noop, ""},
    {"QUIT", Verb::quit, kAny, &SmtpSession::quit, ""},
    {"RCPT", Verb::rcpt, Phase::mail | Phase::recipients, &SmtpSession::rcpt, "Send MAIL first"},
    {"RSET", Verb::rset, kAny, &SmtpSession::rset, ""},
    {"STARTTLS", Verb::starttls, kReady, &SmtpSession::starttls, kEndTransaction},
    {"VRFY", Verb::vrfy, kAny, &SmtpSession::vrfy, ""},
};

static_assert(std::is_sorted(std::begin(kVerbs), std::end(kVerbs),
                             [](const VerbRow& a, const VerbRow& b) { return a.name < b.name; }));

}  // namespace

std::span<const VerbRow> verb_rows() { return kVerbs; }

const VerbRow* find_verb(Verb verb) {
  const auto* row = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                 [verb](const VerbRow& each) { return each.verb == verb; });
  return row == std::end(kVerbs) ? nullptr : row;
}

}  // namespace mailroom
