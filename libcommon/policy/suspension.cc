#include "libcommon/policy/suspension.h"

#include <algorithm>

namespace mailroom::policy {
namespace {

// Octets of a line of the text; far below what RFC 5322 2.1.1 allows.
constexpr std::size_t kLine = 76;

// What the wire and a reader without charsets can take.
std::string ascii(std::string_view text) {
  std::string out{text};
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

// The words of a paragraph in lines, and an empty line after them.
std::string paragraph(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    if (column != 0 && column + 1 + word.size() > kLine) {
      out += "\r\n";
      column = 0;
    }
    if (column != 0) out += ' ';
    out += word;
    column += word.size() + (column != 0 ? 1 : 0);
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out + "\r\n\r\n";
}

}  // namespace

NotedReport note_refused_report(RefusedReports& reports, std::uint64_t queue_id, std::uint64_t now,
                                std::uint64_t window) {
  const std::uint64_t memory = std::max(window, kMinMemory);
  std::erase_if(reports, [&](const RefusedReport& report) { return report.at + memory <= now; });
  if (std::ranges::find(reports, queue_id, &RefusedReport::queue_id) != reports.end())
    return NotedReport::again;
  if (reports.size() >= kMaxRefusedReports) reports.erase(reports.begin());
  reports.push_back({queue_id, now});
  return NotedReport::first_time;
}

std::size_t counting(const RefusedReports& reports, std::uint64_t now, std::uint64_t window) {
  return static_cast<std::size_t>(std::ranges::count_if(
      reports, [&](const RefusedReport& report) { return report.counts && now < report.at + window; }));
}

void spend(RefusedReports& reports) {
  for (RefusedReport& report : reports) report.counts = false;
}

std::string suspension_notice(const SuspensionNotice& notice) {
  const std::string device = ascii(notice.device);
  std::string out = "From: " + ascii(notice.from) + "\r\nTo: " + ascii(notice.to) +
                    "\r\nDate: " + notice.date + "\r\nMessage-ID: <" + notice.id +
                    ">\r\nSubject: The mail of device " + device +
                    " is refused from now on\r\nAuto-Submitted: auto-generated\r\n"
                    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
  out += paragraph("You are a contact of the device " + device + " (" + ascii(notice.purpose) + ").");
  out += paragraph("It has been suspended: all its mail is refused, for recipients here too.");
  out += paragraph("Why: " + ascii(notice.why) + ".");
  out += paragraph("When a message of the device cannot be delivered, a report goes to the sender address of "
                   "that message. "
                   "Reports to this one are refused, so nobody would ever know what is lost.");
  out += paragraph(
      "What to do: see to it that the address takes mail, or set another one at the device and have it "
      "registered. Then ask " +
      ascii(notice.help) + " to release the device.");
  return out;
}

}  // namespace mailroom::policy
