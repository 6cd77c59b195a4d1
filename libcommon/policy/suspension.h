// What follows from reports to a device that could not be delivered (REQUIREMENTS C8).  Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/policy/device.h"

namespace mailroom::policy {

struct RefusedReport {
  std::uint64_t queue_id = 0;  // of the message that it is about
  std::uint64_t at = 0;        // seconds since 1970
  bool counts = true;          // nothing has followed from it yet
  bool operator==(const RefusedReport&) const = default;
  static auto fields(auto& m) { return std::tie(m.queue_id, m.at, m.counts); }
};
using RefusedReports = std::vector<RefusedReport>;  // the oldest first

// Of one device.  What is older than kMinMemory and the window, or is one of too many, is forgotten.
inline constexpr std::size_t kMaxRefusedReports = 1'000;
inline constexpr std::uint64_t kMinMemory = 7 * 24 * 3600;  // so long a report is known when it is told again

enum class NotedReport : std::uint8_t { first_time, again };
// Adds one, and forgets what is too old.
NotedReport note_refused_report(RefusedReports& reports, std::uint64_t queue_id, std::uint64_t now,
                                std::uint64_t window);

// How many count within the last `window` seconds.
std::size_t counting(const RefusedReports& reports, std::uint64_t now, std::uint64_t window);

// Something has followed from all of them: they count no more.
void spend(RefusedReports& reports);

// A message to a contact of a device, in wire form, in ASCII.
struct SuspensionNotice {
  std::string device;
  std::string purpose;
  std::string why;   // with the address, and what was said
  std::string from;  // of this system
  std::string to;
  std::string help;  // whom to ask
  std::string date;  // RFC 5322 3.3
  std::string id;    // RFC 5322 3.6.4, without angle brackets
};
std::string suspension_notice(const SuspensionNotice& notice);

}  // namespace mailroom::policy
