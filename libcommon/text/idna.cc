#include "libcommon/text/idna.h"

#include <unicode/bytestream.h>
#include <unicode/idna.h>
#include <unicode/stringpiece.h>
#include <unicode/udata.h>

#include <algorithm>
#include <memory>

#include "libcommon/text/ascii.h"

namespace mailroom {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035 2.3.4, without the dot at the end
// Octets of UTF-8 that could become a name of that length; more is not looked at.
constexpr std::size_t kMaxInput = 4 * kMaxName;

const icu::IDNA* converter() {
  static const std::unique_ptr<icu::IDNA> instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    constexpr std::uint32_t kOptions =
        UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII;
    std::unique_ptr<icu::IDNA> made{icu::IDNA::createUTS46Instance(kOptions, error)};
    return U_SUCCESS(error) ? std::move(made) : nullptr;
  }();
  return instance.get();
}

// Nothing to convert, and nothing that claims to be converted.
bool is_plain(std::string_view domain) {
  return std::ranges::none_of(domain, is_8bit) && lower_case(domain).find("xn--") == std::string::npos;
}

}  // namespace

void prepare_idna() {
  UErrorCode error = U_ZERO_ERROR;
  udata_setFileAccess(UDATA_NO_FILES, &error);
  (void)to_a_labels("xn--bcher-kva.example");
}

std::optional<std::string> to_a_labels(std::string_view domain) {
  if (domain.empty() || domain.size() > kMaxInput) return std::nullopt;
  if (is_plain(domain)) return domain.size() <= kMaxName ? std::optional{lower_case(domain)} : std::nullopt;
  if (converter() == nullptr) return std::nullopt;
  std::string name;
  icu::StringByteSink<std::string> sink{&name};
  icu::IDNAInfo info;
  UErrorCode error = U_ZERO_ERROR;
  converter()->nameToASCII_UTF8({domain.data(), static_cast<std::int32_t>(domain.size())}, sink, info, error);
  if (U_FAILURE(error) || info.hasErrors() || name.empty() || name.size() > kMaxName) return std::nullopt;
  return name;
}

}  // namespace mailroom
