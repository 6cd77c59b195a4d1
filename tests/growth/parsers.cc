// The pure parsers on what others have been brought to a standstill with (SECURITY.md V8 to V10).
#include <fmt/format.h>

#include <stdexcept>

#include "libcommon/policy/spf/check.h"
#include "libcommon/protocol/dsn/report.h"
#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/fetch.h"
#include "libcommon/protocol/imap/frame.h"
#include "libcommon/protocol/imap/list_pattern.h"
#include "libcommon/protocol/imap/search.h"
#include "libcommon/protocol/mime/content.h"
#include "libcommon/protocol/mime/encoded_word.h"
#include "libcommon/protocol/mime/imap_render.h"
#include "libcommon/protocol/mime/search.h"
#include "libcommon/protocol/mime/section.h"
#include "libcommon/protocol/mime/summary.h"
#include "libcommon/protocol/rfc5322/authors.h"
#include "libcommon/protocol/rfc5322/header.h"
#include "libcommon/protocol/rfc5322/message_id.h"
#include "libcommon/protocol/rfc5322/subject.h"
#include "libcommon/protocol/smtp/data_scanner.h"
#include "libcommon/protocol/smtp/header_watch.h"
#include "libcommon/protocol/smtp/reply_parser.h"
#include "tests/growth/measure.h"

namespace {

using namespace mailroom;
using growth::Generator;
using growth::Work;

constexpr std::size_t kMega = 1024 * 1024;

std::string times(std::size_t n, std::string_view text) {
  std::string all;
  all.reserve(n * text.size());
  for (std::size_t i = 0; i < n; ++i) all += text;
  return all;
}

template <typename Line>
std::string numbered(std::size_t n, Line line) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += line(i);
  return all;
}

// ---- V8: messages

// All that is ever made of a message: by SMTP on its way in, by delivery's index, by FETCH and SEARCH.
void handle_message(const std::string& message) {
  struct Sink : smtp::ContentSink {
    smtp::HeaderWatch watch;
    void content(std::string_view piece) override { watch.feed(piece); }
  } sink;
  smtp::DataScanner scanner;
  static_cast<void>(scanner.feed(message, sink));
  rfc5322::from_authors(message);
  rfc5322::select_fields(message, {"from", "x-none"}, rfc5322::FieldChoice::all_others);
  const auto parsed = mime::parse_message(message);
  const auto kept = mime::decode_summary(mime::encode_summary(parsed));
  std::string out;
  mime::render_envelope(kept->envelope(), out);
  mime::render_bodystructure(*kept, mime::BodyForm::extended, out);
  const std::vector<std::uint32_t> deep(200, 1);
  mime::find_section(*kept, deep, mime::SectionKind::whole);
  static const auto key = SearchKey::make("aaaaaaaaaaaaaaab").value();
  mime::message_contains(*kept, message, mime::SearchScope::text, key);
  mime::header_contains(std::string_view{message}.substr(0, rfc5322::header_size(message)), "to", key);
}

template <typename Make>
Generator message(std::string name, std::size_t largest, Make make) {
  return {std::move(name), largest,
          [make](std::size_t n) -> Work { return [text = std::string{make(n)}] { handle_message(text); }; }};
}

std::string multipart(std::string_view boundary) {
  return fmt::format("Content-Type: multipart/mixed; boundary=\"{}\"\r\n\r\n--{}\r\n", boundary, boundary);
}

const Generator kMessages[] = {
    message("To fields", 2 * kMega, [](std::size_t n) { return times(n, "To: a@b.example\r\n") + "\r\n"; }),
    message("Received fields", 2 * kMega,
            [](std::size_t n) {
              return times(n, "Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n") + "\r\n";
            }),
    message("one folded field", 2 * kMega,
            [](std::size_t n) {
              return "Subject: x\r\n" + times(n, " " + std::string(70, 'y') + "\r\n") + "\r\n";
            }),
    message("addresses in one field", 4 * kMega,
            [](std::size_t n) { return "To: a@b" + times(n, ",\r\n a@b.example") + "\r\n\r\n"; }),
    message("semicolons for addresses", 16 * kMega,
            [](std::size_t n) { return "To: " + std::string(n, ';') + "\r\n\r\n"; }),
    message("comments within comments", 16 * kMega,
            [](std::size_t n) { return "From: " + std::string(n, '(') + "a@b\r\n\r\n"; }),
    message("angles and quotes without an end", 8 * kMega,
            [](std::size_t n) {
              return "From: " + times(n, "<\"") + "\r\nTo: " + times(n, "\"\\") + "\r\n\r\n";
            }),
    message("groups", 4 * kMega, [](std::size_t n) { return "To: " + times(n, "g:a@b;,") + "\r\n\r\n"; }),
    message("multiparts within each other", kMega,
            [](std::size_t n) { return numbered(n, [](std::size_t) { return multipart("b"); }); }),
    message("boundaries that begin alike", 8192,
            [](std::size_t n) {
              return numbered(n, [](std::size_t i) { return multipart(std::string(i % 70 + 1, 'b')); });
            }),
    message("lines that are nearly boundaries", 4 * kMega,
            [](std::size_t n) {
              std::string text;
              for (int depth = 0; depth < 90; ++depth)
                text += multipart(std::string(60, 'b') + std::to_string(depth));
              return text + times(n, "--" + std::string(60, 'b') + "\r\n");
            }),
    message("parts", 2 * kMega, [](std::size_t n) { return multipart("b") + times(n, "\r\n--b\r\n\r\nx"); }),
    message("messages within each other", kMega,
            [](std::size_t n) { return times(n, "Content-Type: message/rfc822\r\n\r\n"); }),
    message("parameters in pieces", kMega,
            [](std::size_t n) {
              return "Content-Type: text/plain" +
                     numbered(
                         n, [](std::size_t i) { return fmt::format(";\r\n a*{}=x; a*{}=y", i, i / 2 * 3); }) +
                     "\r\n\r\n";
            }),
    message("encoded words", 4 * kMega,
            [](std::size_t n) { return "Subject:" + times(n, " =?utf-8?q?=C3?=") + "\r\n\r\n"; }),
    message("names of fields", 2 * kMega,
            [](std::size_t n) {
              return numbered(n, [](std::size_t i) { return fmt::format("__proto__{}: x\r\n: y\r\n", i); }) +
                     "\r\n";
            }),
    message("one name of a field", 16 * kMega,
            [](std::size_t n) { return std::string(n, 'N') + ": x\r\n\r\n"; }),
    message("empty lines", 16 * kMega, [](std::size_t n) { return times(n, "\r\n"); }),
    message("no empty line", 16 * kMega, [](std::size_t n) { return std::string(n, 'x'); }),
    message("a long text, searched", 16 * kMega, [](std::size_t n) { return "\r\n" + std::string(n, 'a'); }),
    message("base64 of nothing", 8 * kMega,
            [](std::size_t n) { return "Content-Transfer-Encoding: base64\r\n\r\n" + times(n, "=\r\n"); }),
    message("dots", 8 * kMega, [](std::size_t n) { return "\r\n" + times(n, "..\r\n"); }),
    {"recipients of a report", 4 * kMega,
     [](std::size_t n) -> Work {
       dsn::Report report{.host = "h.example", .from = "p@h.example", .recipient = "s@h.example", .id = "1"};
       report.recipients.assign(std::min(n, dsn::kMaxRecipients),
                                {.address = "a@b.example", .reply = "550 no"});
       return [report, text = times(n, "To: a@b.example\r\n")] {
         static_cast<void>(dsn::compose(report, {text, dsn::Return::header}, dsn::Transport::seven_bit));
       };
     }},
};

// ---- V9: commands

void handle_command(const std::string& text) {
  imap::Scanner in{text};
  imap::parse_head(in);
  const auto arguments = [&in](auto parse) {
    imap::Scanner rest = in;
    rest.space();
    parse(rest);
  };
  arguments([](auto& rest) { imap::parse_login(rest); });
  arguments([](auto& rest) { imap::parse_id(rest); });
  arguments([](auto& rest) { imap::parse_list(rest); });
  arguments([](auto& rest) { imap::parse_store(rest).set.resolve(1000); });
  arguments([](auto& rest) { imap::parse_fetch(rest).set.resolve(1000); });
  arguments([](auto& rest) { imap::parse_search(rest); });
  arguments([](auto& rest) { imap::parse_append(rest); });
}

Generator command(std::string name, std::string_view begin, std::string_view unit) {
  return {std::move(name), 8 * kMega, [begin, unit](std::size_t n) -> Work {
            return [text = std::string{begin} + times(n, unit)] { handle_command(text); };
          }};
}

const Generator kCommands[] = {
    command("NOOP with brackets", "a NOOP ", "("),
    command("ID", "a ID (", "\"k\" \"v\" "),
    command("a tag", "", "t"),
    command("OR", "a SEARCH", " OR"),
    command("NOT", "a SEARCH", " NOT"),
    command("brackets in SEARCH", "a SEARCH ", "("),
    command("keys of SEARCH", "a SEARCH", " UNSEEN"),
    command("one number many times", "a FETCH 1", ",1"),
    command("ranges that overlap", "a STORE 1:*", ",*:2,3:900"),
    command("items of FETCH", "a FETCH 1 (BODY[]", " BODY[]"),
    command("names of fields in FETCH", "a FETCH 1 BODY[HEADER.FIELDS (x", " x"),
    command("numbers of parts", "a FETCH 1 BODY[1", ".1"),
    command("keywords", "a STORE 1 +FLAGS (x", " x"),
    command("patterns", "a LIST \"\" (x", " x"),
    {"literals", kMega,
     [](std::size_t n) -> Work {
       return [n] {
         imap::CommandFrame frame{{SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX}};
         for (std::size_t i = 0; i < n; ++i) {
           frame.add_line("x {1+}\r\n");
           frame.add_literal("y");
         }
       };
     }},
};

// ---- V10: names, texts, replies

// Of a domain with that record alone.
void check_sender(const std::string& record) {
  spf::Check check{{.client = {}, .helo = "h", .local = "a.b-c", .domain = "example.com"}};
  dns::Answer answer{.outcome = dns::Outcome::answer};
  answer.texts = {record};
  for (; check.question() != nullptr; answer = {.outcome = dns::Outcome::no_data}) check.answered(answer);
  if (check.result() != spf::Result::fail) throw std::logic_error("another record was checked");
}

const Generator kTexts[] = {
    {"a pattern of stars, and names", 4 * kMega,
     [](std::size_t n) -> Work {
       const std::string pattern = times(300, "*a") + "b";
       const std::string mixed = times(300, "%*a") + "b";
       return [=, name = std::string(n, 'a')] {
         imap::ListPattern{pattern, '/'}.matches(name);
         imap::ListPattern{mixed, '/'}.matches(name);
       };
     }},
    {"a long needle", 16 * kMega,
     [](std::size_t n) -> Work {
       const auto key = SearchKey::make(std::string(32767, 'a') + "b").value();
       return [key, text = std::string(n, 'a')] {
         TextSearch search{key, "utf-8"};
         search.feed(text);
         search.finish();
       };
     }},
    {"Re: Re: Re:", 8 * kMega,
     [](std::size_t n) -> Work {
       return [text = times(n, "Re: [x] ") + times(n, "(fwd)")] { rfc5322::base_subject(text); };
     }},
    {"References", 4 * kMega,
     [](std::size_t n) -> Work {
       return [text = numbered(n, [](std::size_t i) { return fmt::format(" <{}@x>", i); }) +
                      times(n, "<<\"")] { rfc5322::parse_message_ids(text); };
     }},
    {"replies of a server", 4 * kMega,
     [](std::size_t n) -> Work {
       return [text = times(n, "250 2.1.5 ok\r\n")] {
         smtp::ReplyParser parser;
         for (std::string_view rest = text; !rest.empty();) {
           rest.remove_prefix(parser.feed(rest)->consumed);
           parser.take();
         }
       };
     }},
    {"terms of an SPF record", 2 * kMega,
     [](std::size_t n) -> Work {
       return [text = "v=spf1" + times(n, " ip4:192.0.2.1/28 x=%{d}") + " -all"] { check_sender(text); };
     }},
    {"macros of an SPF record", 2 * kMega,
     [](std::size_t n) -> Work {
       return [text = "v=spf1 exists:" + times(n, "%{s1r.-}a.") + "example -all"] { check_sender(text); };
     }},
};

}  // namespace

int main() {
  std::vector<Generator> all{std::begin(kMessages), std::end(kMessages)};
  all.insert(all.end(), std::begin(kCommands), std::end(kCommands));
  all.insert(all.end(), std::begin(kTexts), std::end(kTexts));
  return growth::all_grow_well(all) ? 0 : 1;
}
