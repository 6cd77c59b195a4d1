#include "libcommon/protocol/rfc5322/subject.h"

#include "libcommon/text/ascii.h"

namespace mailroom::rfc5322 {
namespace {

// Step 1: tabs and runs of blanks become one space.
std::string collapse_blanks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool blank = is_blank(c) || c == '\r' || c == '\n';
    if (!blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

// The subject shrinks at both ends; nothing is ever copied or looked at twice but the one blob that a refwd
// may follow.
class Shrinker {
 public:
  explicit Shrinker(std::string_view text) : text_{text} {}

  BaseSubject run() {
    do {
      remove_trailers();
      while (remove_leader() || remove_blob()) {
      }
    } while (remove_wrapper());
    return {std::string(text_), is_reply_or_forward_};
  }

 private:
  // Step 2: subj-trailer = "(fwd)" / WSP
  void remove_trailers() {
    for (;;) {
      if (text_.ends_with(' ')) {
        text_.remove_suffix(1);
      } else if (text_.size() >= 5 && equals_ignoring_case(text_.substr(text_.size() - 5), "(fwd)")) {
        text_.remove_suffix(5);
        is_reply_or_forward_ = true;
      } else {
        return;
      }
    }
  }

  // Step 3: subj-leader = (*subj-blob subj-refwd) / WSP
  bool remove_leader() {
    if (text_.starts_with(' ')) {
      text_.remove_prefix(1);
      return true;
    }
    const auto refwd = refwd_size(text_);
    if (refwd == 0) return false;
    text_.remove_prefix(refwd);
    is_reply_or_forward_ = true;
    return true;
  }

  // Step 4, and the blobs before a refwd in step 3: a blob goes if something that is no blank is left.
  bool remove_blob() {
    const auto size = blob_size(text_);
    if (size == 0 || trim_blanks(text_.substr(size)).empty()) return false;
    text_.remove_prefix(size);
    return true;
  }

  // Step 6: "[fwd:" ... "]"
  bool remove_wrapper() {
    if (!starts_with_ignoring_case(text_, "[fwd:") || !text_.ends_with(']')) return false;
    text_.remove_prefix(5);
    text_.remove_suffix(1);
    return is_reply_or_forward_ = true;
  }

  // subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
  static std::size_t refwd_size(std::string_view text) {
    std::size_t at = 0;
    if (starts_with_ignoring_case(text, "re") || starts_with_ignoring_case(text, "fw")) at = 2;
    if (starts_with_ignoring_case(text, "fwd")) at = 3;
    if (at == 0) return 0;
    while (at < text.size() && text[at] == ' ') ++at;
    at += blob_size(text.substr(at));
    return at < text.size() && text[at] == ':' ? at + 1 : 0;
  }

  // subj-blob = "[" *BLOBCHAR "]" *WSP, where BLOBCHAR is anything but brackets; 0 if there is none.
  static std::size_t blob_size(std::string_view text) {
    if (!text.starts_with('[')) return 0;
    auto end = text.find_first_of("[]", 1);
    if (end == text.npos || text[end] != ']') return 0;
    ++end;
    while (end < text.size() && text[end] == ' ') ++end;
    return end;
  }

  std::string_view text_;
  bool is_reply_or_forward_ = false;
};

}  // namespace

BaseSubject base_subject(std::string_view subject) { return Shrinker(collapse_blanks(subject)).run(); }

}  // namespace mailroom::rfc5322
