#include "daemons/imapd/search_run.h"

#include <algorithm>

#include "libcommon/protocol/imap/date.h"
#include "libcommon/protocol/mime/search.h"
#include "libcommon/protocol/rfc5322/date_time.h"

namespace mailroom::imapd {
namespace {

using imap::SearchStep;
using imap::Truth;
using Op = SearchStep::Op;

Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

// The day of the Date field; a message without a real one counts by its arrival.
std::chrono::sys_days sent_day(const mime::Message& structure, const mailbox::Message& message) {
  const auto& text = structure.envelope().date;
  const auto date = text ? rfc5322::parse_date_time(*text) : std::nullopt;
  if (!date) return imap::day_of(message.internal_date);
  return std::chrono::sys_days{std::chrono::days{rfc5322::written_day(*date)}};
}

std::string_view header_of(const mime::Message& structure, std::string_view bytes) {
  return bytes.substr(0, structure.root().body_begin);
}

}  // namespace

SearchRun::SearchRun(Context& context, const imap::SearchRequest& request)
    : context_{context}, request_{request} {
  const Selected& selected = *context.selected;
  for (const SearchStep& step : request.steps) {
    Prepared& prepared = prepared_.emplace_back();
    if (step.op == Op::sequence) prepared.ranges = step.set.resolve(selected.view().size());
    if (step.op == Op::uid) prepared.ranges = step.set.resolve(selected.view().last().value_or(0));
    if (step.op == Op::keyword) prepared.keyword = selected.keyword_bit(step.text);
    if (step.op == Op::header || step.op == Op::body || step.op == Op::whole_text) {
      prepared.key = SearchKey::make(step.text);
    }
  }
}

// Message numbers that do not exist match nothing here.
mailbox::UidSet SearchRun::members(std::size_t step) const {
  const mailbox::UidSet& view = context_.selected->view();
  const bool uids = request_.steps[step].op == Op::uid;
  mailbox::UidSet members;
  for (const imap::NumberRange& range : prepared_[step].ranges) {
    const std::optional<mailbox::Uid> first = uids ? range.first : view.nth(range.first);
    const std::optional<mailbox::Uid> last = uids ? range.last : view.nth(std::min(range.last, view.size()));
    if (first && last) add_members(members, view, *first, *last);
  }
  return members;
}

mailbox::UidSet SearchRun::candidates() const {
  if (request_.required_sets.empty()) return context_.selected->view();
  mailbox::UidSet found = members(request_.required_sets.front());
  for (const std::size_t step : request_.required_sets) found = found.intersection(members(step));
  return found;
}

Truth SearchRun::ask_row(const SearchStep& step, const mailbox::Message& message) const {
  switch (step.op) {
  case Op::all:
    return Truth::yes;
  case Op::flag:
    return truth((message.flags & step.number) != 0);
  case Op::recent:
    return truth(context_.selected->is_recent(message.uid));
  case Op::keyword: {
    const auto bit = prepared(step).keyword;
    return truth(bit && (message.keywords >> *bit & 1) != 0);
  }
  case Op::sequence:
    return truth(
        imap::contains(prepared(step).ranges, context_.selected->view().number_of(message.uid).value_or(0)));
  case Op::uid:
    return truth(imap::contains(prepared(step).ranges, message.uid));
  case Op::larger:
    return truth(message.size > step.number);
  case Op::smaller:
    return truth(message.size < step.number);
  case Op::before:
    return truth(imap::day_of(message.internal_date) < step.day);
  case Op::mod_sequence:
    return truth(message.modseq >= step.number);
  default:
    return Truth::unknown;
  }
}

Truth SearchRun::ask_content(const SearchStep& step, const mailbox::Message& message,
                             MessageContent& content) const {
  const auto structure = content.structure();
  if (!structure) return Truth::no;
  if (step.op == Op::sent_before) return truth(sent_day(**structure, message) < step.day);
  const auto bytes = content.bytes();
  const auto& key = prepared(step).key;
  if (!bytes || !key) return Truth::no;
  if (step.op == Op::header)
    return truth(mime::header_contains(header_of(**structure, *bytes), step.field, *key));
  const auto scope = step.op == Op::body ? mime::SearchScope::body : mime::SearchScope::text;
  return truth(mime::message_contains(**structure, *bytes, scope, *key));
}

bool SearchRun::matches(const mailbox::Message& message) {
  const auto by_row = [&](const SearchStep& step) { return ask_row(step, message); };
  const Truth known = imap::evaluate(request_.steps, stack_, by_row);
  if (known != Truth::unknown) return known == Truth::yes;
  MessageContent content{context_.mail, message.file};
  return imap::evaluate(request_.steps, stack_, [&](const SearchStep& step) {
           return imap::reads_message(step.op) ? ask_content(step, message, content) : ask_row(step, message);
         }) == Truth::yes;
}

}  // namespace mailroom::imapd
