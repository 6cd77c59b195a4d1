// Time linear in the message, for every generator of SECURITY.md V8: CPU(2n) / CPU(n) < 2.6 where n is large
// enough for CPU(n) >= kMeasurable, and a message of 50 MiB below two seconds (in an optimised build).
//
// What is timed is all that delivery, FETCH, SEARCH and the check of From: do with a message.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "libcommon/protocol/mime/encoded_word.h"
#include "libcommon/protocol/mime/imap_render.h"
#include "libcommon/protocol/mime/search.h"
#include "libcommon/protocol/mime/section.h"
#include "libcommon/protocol/mime/summary.h"
#include "libcommon/protocol/rfc5322/authors.h"
#include "libcommon/protocol/rfc5322/message_id.h"
#include "libcommon/protocol/rfc5322/subject.h"

using namespace mailroom;

namespace {

constexpr double kMaxRatio = 2.6;
constexpr double kMeasurable = 0.05;  // seconds
constexpr double kMaxSecondsPerOctet = 2.0 / (50 << 20);
constexpr std::size_t kMaxOctets = 32 << 20;
constexpr int kAttempts = 3;  // the machine may be busy

using Generator = std::function<std::string(std::size_t)>;

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string numbered(std::size_t count, std::string_view before, std::string_view after) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += before;
    out += std::to_string(i);
    out += after;
  }
  return out;
}

// Each boundary is the one before it and one character more.
std::string prefix_boundaries(std::size_t depth) {
  std::string out, boundary;
  for (std::size_t i = 0; i < depth; ++i) {
    if (boundary.size() < 200) boundary += 'b';
    out += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  return out + repeat("--" + boundary + "\r\n\r\n", depth);
}

// Lines that have all but the last octets of ninety boundaries.
std::string near_delimiters(const std::string& common, std::size_t lines) {
  std::string out;
  for (int i = 10; i < 100; ++i) {
    const auto boundary = common + std::to_string(i);
    out += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  return out + "\r\n" + repeat("--" + common + "\r\n", lines);
}

struct Case {
  const char* name;
  Generator make;
};

const Case kCases[] = {
    {"many To fields", [](std::size_t n) { return repeat("To: a@b\r\n", n) + "\r\n"; }},
    {"many From fields", [](std::size_t n) { return repeat("From: a@b\r\n", n) + "\r\n"; }},
    {"one folded field",
     [](std::size_t n) { return "Subject: " + repeat(std::string(70, 'x') + "\r\n ", n) + "\r\n\r\n"; }},
    {"nested multiparts, short boundaries",
     [](std::size_t n) {
       return repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", n) + repeat("--b--\r\n", n);
     }},
    {"nested multiparts, each boundary a prefix of the next", prefix_boundaries},
    {"message within message",
     [](std::size_t n) { return repeat("Content-Type: message/rfc822\r\n\r\n", n); }},
    {"parameters",
     [](std::size_t n) {
       return "Content-Type: text/plain" + numbered(n, "; a*", "=\"x\"; a*7=y") + "\r\n\r\n";
     }},
    {"deep comment", [](std::size_t n) { return "From: " + repeat("(", n) + "\r\n\r\n"; }},
    {"deep closed comment",
     [](std::size_t n) { return "From: " + repeat("(", n) + repeat(")", n) + " a@b\r\n\r\n"; }},
    {"many comments", [](std::size_t n) { return "From: a" + repeat("(x)", n) + "@b\r\n\r\n"; }},
    {"semicolons", [](std::size_t n) { return "From: " + repeat(";", n) + "\r\n\r\n"; }},
    {"groups", [](std::size_t n) { return "From: " + repeat("a:;", n) + "\r\n\r\n"; }},
    {"angles", [](std::size_t n) { return "From: " + repeat("<", n) + "\r\n\r\n"; }},
    {"routes", [](std::size_t n) { return "From: <" + repeat("@a,", n) + ":x@y>\r\n\r\n"; }},
    {"quotes", [](std::size_t n) { return "From: " + repeat("\"\\\"", n) + "\r\n\r\n"; }},
    {"Received fields", [](std::size_t n) { return repeat("Received: from a by b; now\r\n", n) + "\r\n"; }},
    {"encoded words", [](std::size_t n) { return "Subject: " + repeat("=?utf-8?q?=41?= ", n) + "\r\n\r\n"; }},
    {"encoded words in many charsets",
     [](std::size_t n) { return "Subject: " + repeat("=?utf-8?q?a?= =?iso-8859-1?b?b?= ", n) + "\r\n\r\n"; }},
    {"broken encoded words",
     [](std::size_t n) { return "Subject: " + repeat("=?u?q?x =?", n) + "\r\n\r\n"; }},
    {"replies", [](std::size_t n) { return "Subject: " + repeat("Re: [x] ", n) + "\r\n\r\n"; }},
    {"open brackets", [](std::size_t n) { return "Subject: " + repeat("re[", n) + "\r\n\r\n"; }},
    {"forwards",
     [](std::size_t n) { return "Subject: " + repeat("[fwd:", n) + repeat("]", n) + "\r\n\r\n"; }},
    {"references",
     [](std::size_t n) { return "References: " + repeat("<a@b>", n) + repeat("<", n) + "\r\n\r\n"; }},
    {"odd names",
     [](std::size_t n) {
       return repeat("__proto__: x\r\n:\r\n" + std::string(1, '\0') + "\r\n", n) + "\r\n";
     }},
    {"no empty line", [](std::size_t n) { return repeat("no colon here\r\n", n); }},
    {"only empty lines", [](std::size_t n) { return repeat("\r\n", n); }},
    {"delimiters",
     [](std::size_t n) {
       return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeat("--b\r\n", n);
     }},
    {"near delimiters below many multiparts",
     [](std::size_t n) { return near_delimiters(std::string(60, 'a'), n); }},
    {"short near delimiters below many multiparts", [](std::size_t n) { return near_delimiters("a", n); }},
    {"base64 body",
     [](std::size_t n) {
       return "Content-Transfer-Encoding: base64\r\n\r\n" + repeat("YWFhYWFhYWFhYWFhYWFh\r\n", n);
     }},
    {"quoted-printable body",
     [](std::size_t n) {
       return "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + repeat("=61=\r\n = ", n);
     }},
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

void use(const std::string& bytes) {
  static const auto key = SearchKey::make(std::string(100, 'a') + 'b').value();
  const auto message = mime::decode_summary(mime::encode_summary(mime::parse_message(bytes))).value();
  std::string out;
  mime::render_envelope(message.envelope(), out);
  mime::render_bodystructure(message, mime::BodyForm::extended, out);
  const std::uint32_t path[] = {1, 1, 1};
  mime::find_section(message, path, mime::SectionKind::whole);
  mime::message_contains(message, bytes, mime::SearchScope::text, key);
  rfc5322::from_authors(bytes);
  rfc5322::select_fields(bytes, {"to", "subject"}, rfc5322::FieldChoice::named);
  for (const auto& name : {"subject", "references"}) {
    const auto field = rfc5322::find_field(bytes, name);
    if (!field) continue;
    rfc5322::base_subject(mime::decode_encoded_words(rfc5322::unfold(field->value)));
    rfc5322::parse_message_ids(field->value);
  }
}

double seconds_for(const std::string& bytes) {
  const double before = cpu_seconds();
  use(bytes);
  return cpu_seconds() - before;
}

bool holds(const Case& c) {
  std::size_t n = 1000;
  auto bytes = c.make(n);
  double once = seconds_for(bytes);
  while (once < kMeasurable && bytes.size() < kMaxOctets / 2) {
    n *= once < kMeasurable / 16 ? 8 : 2;
    bytes = c.make(n);
    once = seconds_for(bytes);
  }
  const auto twice_bytes = c.make(2 * n);
  double twice = seconds_for(twice_bytes);
  for (int i = 1; i < kAttempts && twice >= kMaxRatio * once; ++i) {
    once = std::max(once, seconds_for(bytes));
    twice = std::min(twice, seconds_for(twice_bytes));
  }
  const bool linear = twice < kMaxRatio * once || twice < kMeasurable;
#ifdef __OPTIMIZE__
  const bool fast =
      twice < std::max(kMaxSecondsPerOctet * static_cast<double>(twice_bytes.size()), kMeasurable);
#else
  const bool fast = true;
#endif
  std::printf("%s %-55s %9zu octets %.3f s, %9zu octets %.3f s\n", linear && fast ? "ok  " : "FAIL", c.name,
              bytes.size(), once, twice_bytes.size(), twice);
  return linear && fast;
}

}  // namespace

int main(int argc, char** argv) {
  bool good = true;
  for (const auto& c : kCases) {
    if (argc < 2 || std::strstr(c.name, argv[1]) != nullptr) good = holds(c) && good;
  }
  return good ? 0 : 1;
}
