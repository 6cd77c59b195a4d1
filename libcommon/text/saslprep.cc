#include "libcommon/text/saslprep.h"

#include <malloc.h>
#include <unicode/uclean.h>
#include <unicode/udata.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

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

// ---- What is prepared are passwords: no copy of one is left behind, ICU's own ones included, which it has
// on its heap and, of a short string, on the stack.

void* allocate(const void*, std::size_t size) { return std::malloc(size); }

void release(const void*, void* memory) {
  if (memory != nullptr) ::explicit_bzero(memory, ::malloc_usable_size(memory));
  std::free(memory);
}

void* reallocate(const void*, void* memory, std::size_t size) {
  void* const larger = std::malloc(size);
  if (larger == nullptr) return nullptr;
  if (memory != nullptr) std::memcpy(larger, memory, std::min(size, ::malloc_usable_size(memory)));
  release(nullptr, memory);
  return larger;
}

// Of the functions that were called before and have returned.
[[gnu::noinline]] void wipe_stack() {
  constexpr std::size_t kDepth = 16384;
  char below[kDepth];
  ::explicit_bzero(below, sizeof below);
}

class Units {  // of UTF-16
 public:
  explicit Units(std::size_t capacity) : units_(capacity, u'\0') {}
  ~Units() { ::explicit_bzero(units_.data(), units_.size() * sizeof(char16_t)); }
  Units(const Units&) = delete;
  Units& operator=(const Units&) = delete;

  char16_t* data() { return units_.data(); }
  std::int32_t capacity() const { return static_cast<std::int32_t>(units_.size()); }

 private:
  std::vector<char16_t> units_;
};

// One code point may become 18 (U+FDFA), as units of UTF-16, and one of these 3 octets of UTF-8.
constexpr std::size_t kGrowth = 18;
constexpr std::size_t kOctets = 3;

[[gnu::noinline]] std::optional<std::string> prepare(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  Units units{text.size()};
  std::int32_t size = 0;
  u_strFromUTF8(units.data(), units.capacity(), &size, text.data(), static_cast<std::int32_t>(text.size()),
                &error);
  if (U_FAILURE(error) || profile() == nullptr) return std::nullopt;
  Units prepared{static_cast<std::size_t>(size) * kGrowth};
  size = usprep_prepare(profile(), units.data(), size, prepared.data(), prepared.capacity(), USPREP_DEFAULT,
                        nullptr, &error);
  if (U_FAILURE(error)) return std::nullopt;
  std::string result(static_cast<std::size_t>(size) * kOctets, '\0');
  std::int32_t octets = 0;
  u_strToUTF8(result.data(), static_cast<std::int32_t>(result.size()), &octets, prepared.data(), size,
              &error);
  if (U_FAILURE(error)) return std::nullopt;
  result.resize(static_cast<std::size_t>(octets));
  return result;
}

}  // namespace

void prepare_saslprep() {
  UErrorCode error = U_ZERO_ERROR;
  u_setMemoryFunctions(nullptr, allocate, reallocate, release, &error);
  udata_setFileAccess(UDATA_NO_FILES, &error);
  (void)saslprep("\u00aa");
}

std::optional<std::string> saslprep(std::string_view text) {
  if (std::ranges::none_of(text, is_8bit)) {  // RFC 4013 2: as it is, but for control characters
    const auto is_control = [](char c) { return c < ' ' || c == '\x7f'; };
    return std::ranges::none_of(text, is_control) ? std::optional{std::string{text}} : std::nullopt;
  }
  auto prepared = prepare(text);
  wipe_stack();
  return prepared;
}

}  // namespace mailroom
