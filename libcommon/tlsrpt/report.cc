#include "libcommon/tlsrpt/report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libcommon/text/ascii.h"
#include "libcommon/text/base64.h"
#include "libcommon/text/hex.h"
#include "libcommon/text/host_name.h"

namespace mailroom::tlsrpt {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono;

constexpr std::string_view kVersion = "v=TLSRPTv1";
constexpr std::string_view kMailto = "mailto:";
constexpr std::string_view kHttps = "https://";
constexpr std::size_t kMaxPath = 1000;    // a TXT record holds hardly more
constexpr std::size_t kMaxAddress = 254;  // RFC 5321 4.5.3.1.3

// "2026-11-22"
std::string date_of(sys_days day) {
  const year_month_day date{day};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::int64_t seconds_of(sys_days day) { return duration_cast<seconds>(day.time_since_epoch()).count(); }

// The last second of the day.
std::int64_t end_of(sys_days day) { return seconds_of(day + days{1}) - 1; }

Json json_of(const Failure& failure) {
  Json row{{"result-type", failure.result}};
  if (!failure.ip.empty()) row["receiving-ip"] = failure.ip;
  if (!failure.mx.empty()) row["receiving-mx-hostname"] = failure.mx;
  row["failed-session-count"] = failure.sessions;
  if (!failure.detail.empty()) row["additional-information"] = failure.detail;
  return row;
}

Json json_of(const Tally& tally, const std::string& domain) {
  Json policy{{"policy-type", policy_type_name(tally.type)}};
  if (!tally.policy.empty()) policy["policy-string"] = tally.policy;
  policy["policy-domain"] = domain;
  if (!tally.mx.empty()) policy["mx-host"] = tally.mx;
  Json row{
      {"policy", std::move(policy)},
      {"summary",
       {{"total-successful-session-count", tally.successes}, {"total-failure-session-count", tally.failed}}}};
  for (const Failure& failure : tally.failures) row["failure-details"].push_back(json_of(failure));
  return row;
}

// RFC 1952 8.
std::uint32_t crc32(std::string_view octets) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xEDB88320U ^ value >> 1 : value >> 1;
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char octet : octets) crc = kTable[(crc ^ static_cast<unsigned char>(octet)) & 0xFF] ^ crc >> 8;
  return crc ^ 0xFFFFFFFFU;
}

void append_little_endian(std::string& to, std::uint32_t number, int octets) {
  for (int i = 0; i < octets; ++i) to.push_back(static_cast<char>(number >> 8 * i & 0xFF));
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = text[i] == '%' ? decode_hex(text.substr(i + 1, 2)) : std::nullopt;
    if (text[i] == '%' && (!octet || octet->size() != 1)) return {};
    decoded += octet ? octet->front() : text[i];
    if (octet) i += 2;
  }
  return decoded;
}

bool is_plain_address(std::string_view address) {
  const std::size_t at = address.find('@');
  return at != 0 && at != address.npos && at + 1 < address.size() && at == address.rfind('@') &&
         address.size() <= kMaxAddress && std::ranges::all_of(address, [](char c) {
           return is_visible(c) && std::string_view{"<>()[]\\,;:\""}.find(c) == std::string_view::npos;
         });
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(trim_blanks(text.substr(0, end)));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// What RFC 3986 lets stand in a path and a query; nothing is decoded.
bool is_path(std::string_view path) {
  return path.size() <= kMaxPath && std::ranges::all_of(path, [](char c) {
           return is_alnum(c) || std::string_view{"-._~!$&'()*+,;=:@%/?"}.find(c) != std::string_view::npos;
         });
}

// Leaves out one of what strangers have put in; false when there is nothing left.
bool shorten(std::vector<Tally>& tallies) {
  const auto most_rows =
      std::ranges::max_element(tallies, {}, [](const Tally& tally) { return tally.failures.size(); });
  if (most_rows == tallies.end()) return false;
  if (!most_rows->failures.empty()) {
    most_rows->failures.pop_back();
    return true;
  }
  const auto most_lines = std::ranges::max_element(
      tallies, {}, [](const Tally& tally) { return tally.policy.size() + tally.mx.size(); });
  std::vector<std::string>& lines = most_lines->policy.empty() ? most_lines->mx : most_lines->policy;
  if (lines.empty()) return false;
  lines.pop_back();
  return true;
}

std::string json_text(const Report& report, const std::vector<Tally>& tallies) {
  const std::string date = date_of(report.day);
  Json json{{"organization-name", report.organization},
            {"date-range", {{"start-datetime", date + "T00:00:00Z"}, {"end-datetime", date + "T23:59:59Z"}}},
            {"contact-info", report.contact},
            {"report-id", report_id(report)},
            {"policies", Json::array()}};
  for (const Tally& tally : tallies) json["policies"].push_back(json_of(tally, report.domain));
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string text_part(const Report& report) {
  std::string text = fmt::format(
      "This is the report of {0} (RFC 8460) on TLS with the mail hosts of\r\n{1} on {2} (UTC).\r\n\r\n",
      report.submitter, report.domain, date_of(report.day));
  for (const Tally& tally : report.tallies)
    text += fmt::format("policy {}: {} sessions in order, {} failed\r\n", policy_type_name(tally.type),
                        tally.successes, tally.failed);
  return text;
}

}  // namespace

std::vector<std::string> report_destinations(const std::vector<std::string>& texts) {
  const auto is_ours = [](std::string_view text) {
    return text.starts_with(kVersion) && trim_blanks(text.substr(kVersion.size())).starts_with(';');
  };
  if (std::ranges::count_if(texts, is_ours) != 1) return {};
  for (const std::string& field : split(*std::ranges::find_if(texts, is_ours), ';')) {
    if (!field.starts_with("rua=")) continue;
    std::vector<std::string> destinations = split(std::string_view{field}.substr(4), ',');
    std::erase_if(destinations, [](const std::string& uri) { return uri.empty(); });
    destinations.resize(std::min(destinations.size(), kMaxDestinations));
    return destinations;
  }
  return {};
}

std::string mailto_address(std::string_view destination) {
  if (!starts_with_ignoring_case(destination, kMailto)) return {};
  destination.remove_prefix(kMailto.size());
  std::string address = percent_decoded(destination.substr(0, destination.find('?')));
  return is_plain_address(address) ? address : std::string{};
}

std::optional<WebTarget> web_target(std::string_view destination) {
  if (!starts_with_ignoring_case(destination, kHttps)) return std::nullopt;
  destination.remove_prefix(kHttps.size());
  const std::size_t end = std::min(destination.find_first_of("/?"), destination.size());
  const std::string_view authority = destination.substr(0, end), path = destination.substr(end);
  const std::size_t colon = std::min(authority.find(':'), authority.size());
  WebTarget target{.host = lower_case(authority.substr(0, colon)),
                   .path = (path.starts_with('/') ? "" : "/") + std::string{path}};
  if (colon < authority.size()) {
    const auto port = parse_decimal<std::uint16_t>(authority.substr(colon + 1));
    if (!port || *port == 0) return std::nullopt;
    target.port = *port;
  }
  if (!is_full_host_name(target.host) || !is_path(target.path)) return std::nullopt;
  return target;
}

std::string report_id(const Report& report) {
  return fmt::format("{}_{}@{}", date_of(report.day), report.domain, report.submitter);
}

std::string report_json(const Report& report) {
  std::vector<Tally> tallies = report.tallies;
  std::string text = json_text(report, tallies);
  while (text.size() > kMaxJson && shorten(tallies)) text = json_text(report, tallies);
  return text;
}

std::string report_file(const Report& report) { return gzip_stored(report_json(report)); }

std::string gzip_stored(std::string_view content) {
  constexpr std::size_t kMaxBlock = 65535;  // RFC 1951 3.2.4
  std::string file{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10};
  std::string_view rest = content;
  do {
    const auto size = static_cast<std::uint32_t>(std::min(rest.size(), kMaxBlock));
    file.push_back(rest.size() <= kMaxBlock ? 1 : 0);
    append_little_endian(file, size, 2);
    append_little_endian(file, ~size, 2);
    file.append(rest.substr(0, size));
    rest.remove_prefix(size);
  } while (!rest.empty());
  append_little_endian(file, crc32(content), 4);
  append_little_endian(file, static_cast<std::uint32_t>(content.size()), 4);
  return file;
}

std::string report_message(const Report& report, std::string_view from, std::string_view to,
                           std::string_view date) {
  const std::string id = report_id(report);
  const std::string boundary = fmt::format("=_tlsrpt_{:08x}", crc32(id));
  const std::string file = fmt::format("{}!{}!{}!{}!001.json.gz", report.submitter, report.domain,
                                       seconds_of(report.day), end_of(report.day));
  std::string message = fmt::format("From: {0}\r\nTo: {1}\r\nDate: {2}\r\nMessage-ID: <tlsrpt.{3}>\r\n"
                                    "Subject: Report Domain: {4}\r\n Submitter: {5}\r\n Report-ID: <{3}>\r\n"
                                    "TLS-Report-Domain: {4}\r\nTLS-Report-Submitter: {5}\r\nTLS-Required: "
                                    "No\r\nAuto-Submitted: auto-generated\r\n"
                                    "MIME-Version: 1.0\r\nContent-Type: multipart/report; "
                                    "report-type=\"tlsrpt\";\r\n boundary=\"{6}\"\r\n\r\n",
                                    from, to, date, id, report.domain, report.submitter, boundary);
  message += fmt::format("--{}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{}", boundary,
                         text_part(report));
  message += fmt::format("\r\n--{0}\r\nContent-Type: {3}\r\nContent-Transfer-Encoding: base64\r\n"
                         "Content-Disposition: attachment;\r\n filename=\"{1}\"\r\n\r\n{2}\r\n--{0}--\r\n",
                         boundary, file, encode_base64_lines(report_file(report)), kReportType);
  return message;
}

}  // namespace mailroom::tlsrpt
