#include "libcommon/protocol/rfc5322/tls_required.h"

#include <catch2/catch.hpp>

using mailroom::rfc5322::TlsRequiredScan;

namespace {

// The same in one piece and in pieces of every size.
bool says_no(std::string_view message) {
  TlsRequiredScan whole;
  whole.feed(message);
  const bool answer = whole.says_no();
  for (std::size_t size = 1; size < message.size(); ++size) {
    TlsRequiredScan scan;
    for (std::string_view rest = message; !rest.empty(); rest.remove_prefix(std::min(size, rest.size())))
      scan.feed(rest.substr(0, size));
    CHECK(scan.says_no() == answer);
  }
  return answer;
}

}  // namespace

TEST_CASE("RFC 8689 3: the field TLS-Required") {
  CHECK(says_no("TLS-Required: No\r\n\r\nText\r\n"));
  CHECK(says_no("Received: by x\r\n\tfor y\r\nSubject: s\r\ntls-required:no\r\nTo: a@b\r\n\r\n"));
  CHECK(says_no("TLS-Required:\r\n No\r\n\r\n"));
  CHECK(says_no("TLS-Required: No \r\nX: y\r\n"));
  CHECK(says_no("X: y\r\nTLS-Required: No"));
}

TEST_CASE("what is not the field, or does not say No") {
  CHECK_FALSE(says_no(""));
  CHECK_FALSE(says_no("Subject: TLS-Required: No\r\n\r\n"));
  CHECK_FALSE(says_no("Subject: x\r\n TLS-Required: No\r\n\r\n"));
  CHECK_FALSE(says_no("Subject: x\r\n\r\nTLS-Required: No\r\n"));
  CHECK_FALSE(says_no("TLS-Required: Yes\r\n\r\n"));
  CHECK_FALSE(says_no("TLS-Required: No, really\r\n\r\n"));
  CHECK_FALSE(says_no("TLS-Required: N\r\n o\r\n\r\n"));
  CHECK_FALSE(says_no("TLS-Required:\r\n\r\n"));
  CHECK_FALSE(says_no("TLS-Required-By: No\r\n\r\n"));
  CHECK_FALSE(says_no("TLS-Require: No\r\n\r\n"));
}

TEST_CASE("the field stands once, or counts as none") {
  CHECK_FALSE(says_no("TLS-Required: No\r\nTLS-Required: No\r\n\r\n"));
  CHECK_FALSE(says_no("TLS-Required: Maybe\r\nTLS-Required: No\r\n\r\n"));
}

TEST_CASE("a field without end takes no memory") {
  TlsRequiredScan scan;
  scan.feed("TLS-Required: No");
  const std::string blanks(1'000, ' ');
  for (int i = 0; i < 10'000; ++i) scan.feed(blanks);
  CHECK_FALSE(scan.says_no());
}
