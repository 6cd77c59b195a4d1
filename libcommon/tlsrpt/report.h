// The daily report on TLS to another domain (RFC 8460).  Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/tlsrpt/tally.h"

namespace mailroom::tlsrpt {

inline constexpr std::size_t kMaxDestinations = 5;  // of one rua (RFC 8460 3)

// Where a domain wants its reports, by the TXT records of _smtp._tls.DOMAIN (RFC 8460 3); empty when it wants
// none or the record is malformed.  "mailto:tls@example.org", "https://example.org/v1".
std::vector<std::string> report_destinations(const std::vector<std::string>& texts);

// The address of "mailto:ADDRESS", percent-decoded; empty for another scheme, and for what is no single
// address.
std::string mailto_address(std::string_view destination);

// Where a report is posted.
struct WebTarget {
  std::string host;        // a domain name in lower case
  std::uint16_t port = 0;  // 0: none is named
  std::string path;        // with the query; begins with "/"
  bool operator==(const WebTarget&) const = default;
};

// Of "https://HOST[:PORT][/PATH][?QUERY]" (RFC 9110 4.2.2) with a name for its host; nothing for another
// scheme, an address, user information, a fragment, and what could not stand in a request line.
std::optional<WebTarget> web_target(std::string_view destination);

struct Report {
  std::string organization;   // organization-name
  std::string contact;        // contact-info: an address
  std::string submitter;      // the host name of this system
  std::string domain;         // that the report is about
  std::chrono::sys_days day;  // UTC
  std::vector<Tally> tallies;
};

// "2026-11-22_example.org@mail.campus.example", also the Message-ID's left side.
std::string report_id(const Report& report);

// RFC 8460 4.4.  At most kMaxJson octets, whatever strangers have put into it: rows of failures are left out
// from the last on, then lines of policies; the sums stay.
inline constexpr std::size_t kMaxJson = 32 * 1024;
std::string report_json(const Report& report);

// What is posted to a web server, of that media type (RFC 8460 6.4).
inline constexpr const char* kReportType = "application/tlsrpt+gzip";
std::string report_file(const Report& report);

// A gzip file (RFC 1952) with `content` as it is, without compression.
std::string gzip_stored(std::string_view content);

// The whole message, CRLF: multipart/report; report-type=tlsrpt (RFC 8460 5.3), 7bit.  `from` and `to` are
// addresses; `date` is an RFC 5322 date-time.
std::string report_message(const Report& report, std::string_view from, std::string_view to,
                           std::string_view date);

}  // namespace mailroom::tlsrpt
