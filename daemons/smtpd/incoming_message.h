// The content of one message on its way to the spool: gathered into large chunks, measured against the
// limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/smtpd/spool.h"
#include "libcommon/protocol/rfc5322/missing_fields.h"
#include "libcommon/protocol/smtp/data_scanner.h"
#include "libcommon/protocol/smtp/header_watch.h"

namespace mailroom {

enum class ContentFault : std::uint8_t {
  bare_line_end,
  overlong_line,
  too_big,
  header_too_big,
  too_many_fields,
  too_many_hops,
};

// What the client is told.
Reply reply_to(ContentFault fault);

// "bare-line-end", for the log.
const char* fault_name(ContentFault fault);

class IncomingMessage : public smtp::ContentSink {
 public:
  struct Limits {
    std::uint64_t octets;
    std::uint32_t received;
  };

  // Begins the message in the spool.  Destroyed before finish(), it is aborted there.
  IncomingMessage(Spool& spool, TransactionId transaction, Limits limits);
  ~IncomingMessage() override;
  IncomingMessage(const IncomingMessage&) = delete;
  IncomingMessage& operator=(const IncomingMessage&) = delete;

  // Lines of this server's own, put on top; not measured.  Before any content.
  void prepend(std::string_view lines) { append(lines); }

  // What the header lacks is put on top of it.  Before any content.
  void complete(rfc5322::Completion completion) { completion_ = std::move(completion); }

  // After a fault octets are counted and dropped.  A message whose first line begins with a blank has no
  // header: an empty line goes before it, so that it does not continue the last line that was prepended.
  void content(std::string_view piece) override;

  // The first fault stays.
  void refuse(ContentFault fault);
  std::optional<ContentFault> fault() const { return fault_; }

  std::uint64_t octets() const { return octets_; }

  // The reply to the end of the content: the fault's, or the spool's.
  [[nodiscard]] Reply finish();

 private:
  void append(std::string_view octets);
  void begin_content(char first);
  void watch_header(std::string_view piece);
  void check_header();
  void release_header();

  Spool& spool_;
  Limits limits_;
  std::string chunk_;
  smtp::HeaderWatch header_;
  std::optional<rfc5322::Completion> completion_;  // until the header is complete
  std::string gathered_;                           // of it, so far
  bool begun_ = false;
  bool in_header_ = true;
  std::uint64_t octets_ = 0;
  std::optional<ContentFault> fault_;
  bool open_ = true;  // begun, and neither committed nor aborted
};

}  // namespace mailroom
