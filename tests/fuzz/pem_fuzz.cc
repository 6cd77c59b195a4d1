// Files of certificates: what is read is read again from its plain form, and neither we nor OpenSSL come to
// harm.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/text/base64.h"
#include "libcommon/text/pem.h"
#include "libcommon/tls/certificate.h"

using namespace mailroom;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

std::string plain_form(const std::vector<std::string>& blocks, const std::string& label) {
  std::string text;
  for (const std::string& der : blocks)
    text += "-----BEGIN " + label + "-----\n" + encode_base64_lines(der) + "-----END " + label + "-----\n";
  return text;
}

void check_blocks(std::string_view text, const std::string& label) {
  const auto blocks = decode_pem(text, label);
  if (!blocks) return check(!blocks.error().empty());
  for (const std::string& der : *blocks) check(der.size() >= 2 && der.front() == '\x30');
  check(decode_pem(plain_form(*blocks, label), label) == blocks);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check_blocks(text, "CERTIFICATE");
  check_blocks(text, "X509 CRL");
  if (const auto chain = tls::CertificateChain::parse(text)) {
    check(!chain->certificates().empty() && chain->certificates().size() <= tls::kMaxChain);
    static_cast<void>(chain->covers("mail.campus.test"));
    static_cast<void>(chain->not_after());
  } else {
    check(!chain.error().empty());
  }
  return 0;
}
