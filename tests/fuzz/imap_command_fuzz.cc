// Commands of IMAP: frames put together from lines and literals, then every argument grammar that the name
// asks for.  What is taken is within its limits, and what is written back reads the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/fetch.h"
#include "libcommon/protocol/imap/frame.h"
#include "libcommon/protocol/imap/limits.h"
#include "libcommon/protocol/imap/list_pattern.h"
#include "libcommon/protocol/imap/mailbox_name.h"
#include "libcommon/protocol/imap/search.h"

using namespace mailroom::imap;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

template <typename Parse>
auto arguments(Scanner in, Parse parse) {
  in.space();
  auto value = parse(in);
  if (!in.ok()) require(*in.error().text != '\0');
  return value;
}

void check_set(const SequenceSet& set) {
  for (const std::uint32_t largest : {0U, 1U, 1000U, UINT32_MAX}) {
    const NumberRanges ranges = set.resolve(largest);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      require(ranges[i].first >= 1 && ranges[i].first <= ranges[i].last);
      if (i > 0) require(ranges[i - 1].last < ranges[i].first - 1);
    }
  }
}

void check_search(Scanner in) {
  in.space();
  const SearchRequest request = parse_search(in);
  if (!in.ok()) return;
  std::vector<Truth> stack;
  int n = 0;
  evaluate(request.steps, stack, [&](const SearchStep&) { return static_cast<Truth>(n++ % 3); });
  require(stack.size() == 1);
}

void check_mailbox(std::string_view text) {
  const auto name = decode_mailbox_name(text);
  if (name) require(encode_mailbox_name(*name) == text);
  static_cast<void>(encode_mailbox_name(text));
}

void check_list(Scanner in) {
  in.space();
  const ListArguments list = parse_list(in);
  if (!in.ok()) return;
  const ListPattern pattern{list.pattern, '/'};
  pattern.matches(list.reference);
  pattern.matches_below(list.reference);
}

void check_command(std::string_view text) {
  Scanner in{text};
  const CommandHead head = parse_head(in);
  if (!in.ok()) return;
  require(head.tag.size() <= kMaxTag);
  arguments(in, parse_login);
  arguments(in, parse_authenticate);
  require(arguments(in, parse_id).fields.size() <= kMaxIdStrings);
  arguments(in, parse_enable);
  arguments(in, parse_select);
  arguments(in, parse_create);
  arguments(in, parse_rename);
  arguments(in, parse_status);
  arguments(in, parse_append);
  check_set(arguments(in, parse_store).set);
  check_set(arguments(in, parse_copy).set);
  check_set(arguments(in, parse_uid_expunge));
  const FetchRequest fetch = arguments(in, parse_fetch);
  require(fetch.sections.size() <= kMaxFetchSections);
  check_set(fetch.set);
  check_search(in);
  check_list(in);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input{reinterpret_cast<const char*>(data), size};
  check_mailbox(input);
  check_command(input);
  CommandFrame frame{kPreauthFrame};
  while (!input.empty()) {
    const std::size_t line = std::min(input.find('\n'), input.size() - 1) + 1;
    const CommandFrame::Step step = frame.add_line(input.substr(0, line));
    input.remove_prefix(line);
    if (step == CommandFrame::Step::complete) {
      check_command(frame.text());
      frame = CommandFrame{kPreauthFrame};
    } else if (step != CommandFrame::Step::literal || !frame.literal_fits()) {
      return 0;
    } else {
      const std::size_t literal = std::min<std::uint64_t>(frame.announced().size, input.size());
      require(frame.text_before_literal().size() < frame.text().size());
      frame.add_literal(input.substr(0, literal));
      input.remove_prefix(literal);
    }
  }
  return 0;
}
