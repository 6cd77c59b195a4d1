#include "libcommon/text/saslprep.h"

#include <unicode/udata.h>
#include <unicode/unistr.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <memory>

#include "libcommon/text/ascii.h"

namespace mailroom {
namespace {

struct Close {
  void operator()(UStringPrepProfile* profile) const noexcept { usprep_close(profile); }
};

const UStringPrepProfile* profile() {
  static const std::unique_ptr<UStringPrepProfile, Close> instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    return std::unique_ptr<UStringPrepProfile, Close>{usprep_openByType(USPREP_RFC4013_SASLPREP, &error)};
  }();
  return instance.get();
}

// One code point may become 18 (U+FDFA), as units of UTF-16.
constexpr std::int32_t kGrowth = 18;

std::optional<std::u16string> to_utf16(std::string_view text) {
  std::u16string units(text.size(), u'\0');
  std::int32_t size = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(units.data(), static_cast<std::int32_t>(units.size()), &size, text.data(),
                static_cast<std::int32_t>(text.size()), &error);
  if (U_FAILURE(error)) return std::nullopt;
  units.resize(static_cast<std::size_t>(size));
  return units;
}

}  // namespace

void prepare_saslprep() {
  UErrorCode error = U_ZERO_ERROR;
  udata_setFileAccess(UDATA_NO_FILES, &error);
  (void)saslprep("\u00aa");
}

std::optional<std::string> saslprep(std::string_view text) {
  if (std::ranges::none_of(text, is_8bit)) {  // RFC 4013 2: as it is, but for control characters
    const auto is_control = [](char c) { return c < ' ' || c == '\x7f'; };
    return std::ranges::none_of(text, is_control) ? std::optional{std::string{text}} : std::nullopt;
  }
  const auto units = to_utf16(text);
  if (!units || profile() == nullptr) return std::nullopt;
  std::u16string prepared(units->size() * kGrowth, u'\0');
  UErrorCode error = U_ZERO_ERROR;
  const std::int32_t size =
      usprep_prepare(profile(), units->data(), static_cast<std::int32_t>(units->size()), prepared.data(),
                     static_cast<std::int32_t>(prepared.size()), USPREP_DEFAULT, nullptr, &error);
  if (U_FAILURE(error)) return std::nullopt;
  std::string result;
  icu::UnicodeString{false, prepared.data(), size}.toUTF8String(result);
  return result;
}

}  // namespace mailroom
