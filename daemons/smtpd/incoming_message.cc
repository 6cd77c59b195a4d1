#include "daemons/smtpd/incoming_message.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/text/ascii.h"

namespace mailroom {
namespace {

struct FaultRow {
  ContentFault fault;
  const char* name;
  std::uint16_t code;
  const char* enhanced;
  const char* text;
};

constexpr FaultRow kFaults[] = {
    {ContentFault::bare_line_end, "bare-line-end", 550, "5.5.2",
     "The message has a CR or LF that stands alone; send lines that end in CRLF"},
    {ContentFault::overlong_line, "overlong-line", 554, "5.6.0",
     "The message has a line that is too long; encode it"},
    {ContentFault::too_big, "too-big", 552, "5.3.4",
     "The message is bigger than this server takes; see SIZE in the reply to EHLO"},
    {ContentFault::header_too_big, "header-too-big", 554, "5.6.0", "The header of the message is too big"},
    {ContentFault::too_many_fields, "too-many-fields", 554, "5.6.0",
     "The header of the message has too many fields"},
    {ContentFault::too_many_hops, "too-many-hops", 554, "5.4.6",
     "The message has passed through too many servers; it is probably in a loop"},
};

const FaultRow& row_of(ContentFault fault) {
  return *std::find_if(std::begin(kFaults), std::end(kFaults),
                       [fault](const FaultRow& row) { return row.fault == fault; });
}

}  // namespace

Reply reply_to(ContentFault fault) {
  const FaultRow& row = row_of(fault);
  return {row.code, row.enhanced, row.text};
}

const char* fault_name(ContentFault fault) { return row_of(fault).name; }

IncomingMessage::IncomingMessage(Spool& spool, TransactionId transaction, Limits limits)
    : spool_{spool}, limits_{limits} {
  spool_.begin(transaction);
  chunk_.reserve(kContentChunk);  // pages that are not used cost nothing; growing would copy
}

IncomingMessage::~IncomingMessage() {
  if (open_) spool_.abort();
}

void IncomingMessage::content(std::string_view piece) {
  octets_ += piece.size();
  if (fault_) return;
  if (octets_ > limits_.octets) return refuse(ContentFault::too_big);
  if (!begun_ && !piece.empty()) begin_content(piece.front());
  if (in_header_) return watch_header(piece);
  append(piece);
}

void IncomingMessage::begin_content(char first) {
  begun_ = true;
  if (!is_blank(first)) return;
  release_header();
  append("\r\n");
}

void IncomingMessage::watch_header(std::string_view piece) {
  header_.feed(piece);
  check_header();
  if (fault_) return;
  if (!completion_) {
    in_header_ = !header_.is_over();
    return append(piece);
  }
  gathered_ += piece;
  if (header_.is_over()) release_header();
}

// What follows is not looked at any more.
void IncomingMessage::release_header() {
  in_header_ = false;
  if (!completion_) return;
  append(rfc5322::missing_fields(gathered_, *completion_));
  append(std::exchange(gathered_, {}));
  completion_.reset();
}

void IncomingMessage::refuse(ContentFault fault) {
  if (fault_) return;
  fault_ = fault;
  spool_.abort();
  open_ = false;
}

Reply IncomingMessage::finish() {
  if (fault_) return reply_to(*fault_);
  release_header();
  open_ = false;
  return spool_.commit(std::move(chunk_));
}

void IncomingMessage::append(std::string_view octets) {
  while (!octets.empty()) {
    if (chunk_.size() == kContentChunk) {
      spool_.write(std::exchange(chunk_, {}));
      chunk_.reserve(kContentChunk);
    }
    const std::string_view part = octets.substr(0, kContentChunk - chunk_.size());
    chunk_ += part;
    octets.remove_prefix(part.size());
  }
}

void IncomingMessage::check_header() {
  if (header_.octets() > smtp::kMaxHeader) return refuse(ContentFault::header_too_big);
  if (header_.fields() > smtp::kMaxHeaderFields) return refuse(ContentFault::too_many_fields);
  if (header_.received() > limits_.received) return refuse(ContentFault::too_many_hops);
}

}  // namespace mailroom
