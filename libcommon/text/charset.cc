#include "libcommon/text/charset.h"

#include <unicode/uchar.h>
#include <unicode/uclean.h>
#include <unicode/ucnv.h>
#include <unicode/udata.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "libcommon/text/ascii.h"

namespace mailroom {
namespace {

constexpr std::size_t kChunkUnits = 4096;
// Case folding makes at most three units of one (Unicode 3.13, F in CaseFolding.txt).
constexpr std::size_t kMaxFoldGrowth = 3;

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using ConverterPtr = std::unique_ptr<UConverter, CloseConverter>;

// Names as RFC 2978 2.3 has them: nothing that ICU would read as an option.
bool is_charset_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxCharsetName && std::ranges::all_of(name, [](char c) {
    return is_alnum(c) || std::string_view("-_.:+()").find(c) != std::string_view::npos;
  });
}

ConverterPtr open_converter(std::string_view charset) {
  if (!is_charset_name(charset)) return nullptr;
  UErrorCode error = U_ZERO_ERROR;
  ConverterPtr converter(ucnv_open(std::string(charset).c_str(), &error));
  if (U_FAILURE(error)) return nullptr;
  return converter;
}

enum class Flush { no, yes };

// Appends the conversion of as much as fits the chunk; removes from `octets` what it took.  True when there
// is no more.
bool convert_chunk(UConverter& converter, std::string_view& octets, Flush flush, std::u16string& out) {
  std::array<char16_t, kChunkUnits> chunk;
  char16_t* target = chunk.data();
  const char* source = octets.data();
  UErrorCode error = U_ZERO_ERROR;
  ucnv_toUnicode(&converter, &target, chunk.data() + chunk.size(), &source, octets.data() + octets.size(),
                 nullptr, flush == Flush::yes, &error);
  out.append(chunk.data(), target);
  octets.remove_prefix(static_cast<std::size_t>(source - octets.data()));
  return error != U_BUFFER_OVERFLOW_ERROR;
}

// The units that can be handled without those to come: all but a lead surrogate at the end.
std::size_t whole_units(std::u16string_view units) {
  return units.size() - (!units.empty() && U16_IS_LEAD(units.back()) ? 1 : 0);
}

void append_utf8(std::u16string_view units, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + units.size() * 3);
  std::int32_t written = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strToUTF8WithSub(out.data() + before, static_cast<std::int32_t>(out.size() - before), &written,
                     units.data(), static_cast<std::int32_t>(units.size()), 0xfffd, nullptr, &error);
  out.resize(before + static_cast<std::size_t>(written));
}

void append_folded(std::u16string_view units, std::u16string& out) {
  const std::size_t before = out.size();
  out.resize(before + units.size() * kMaxFoldGrowth);
  UErrorCode error = U_ZERO_ERROR;
  const auto written =
      u_strFoldCase(out.data() + before, static_cast<std::int32_t>(out.size() - before), units.data(),
                    static_cast<std::int32_t>(units.size()), U_FOLD_CASE_DEFAULT, &error);
  out.resize(before + static_cast<std::size_t>(written));
}

// Converts everything in chunks and hands each to `handle`, no character cut in two.
template <typename Handle>
void convert_all(UConverter& converter, std::string_view octets, Handle handle) {
  std::u16string units;
  for (bool done = false; !done;) {
    done = convert_chunk(converter, octets, Flush::yes, units);
    const auto ready = done ? units.size() : whole_units(units);
    handle(std::u16string_view(units).substr(0, ready));
    units.erase(0, ready);
  }
}

bool is_ascii(std::string_view octets) { return std::ranges::none_of(octets, is_8bit); }

bool is_ascii_superset(std::string_view charset) {
  return equals_ignoring_case(charset, "utf-8") || equals_ignoring_case(charset, "us-ascii") ||
         starts_with_ignoring_case(charset, "iso-8859-") || starts_with_ignoring_case(charset, "windows-125");
}

}  // namespace

void prepare_charsets() {
  UErrorCode error = U_ZERO_ERROR;
  udata_setFileAccess(UDATA_NO_FILES, &error);
  u_init(&error);
  for (const auto* charset : {"utf-8", "us-ascii", "iso-8859-1", "windows-1252"}) open_converter(charset);
}

bool is_known_charset(std::string_view charset) { return open_converter(charset) != nullptr; }

std::optional<std::string> to_utf8(std::string_view charset, std::string_view octets) {
  if (is_ascii(octets) && is_ascii_superset(charset)) return std::string(octets);
  const auto converter = open_converter(charset);
  if (!converter) return std::nullopt;
  std::string out;
  convert_all(*converter, octets, [&](std::u16string_view units) { append_utf8(units, out); });
  return out;
}

bool is_valid_utf8(std::string_view octets) {
  std::int32_t length = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(nullptr, 0, &length, octets.data(), static_cast<std::int32_t>(octets.size()), &error);
  return error == U_BUFFER_OVERFLOW_ERROR || U_SUCCESS(error);
}

std::string fold_case(std::string_view utf8) {
  if (is_ascii(utf8)) return lower_case(utf8);
  const auto converter = open_converter("utf-8");
  std::string out;
  convert_all(*converter, utf8, [&](std::u16string_view units) {
    std::u16string folded;
    append_folded(units, folded);
    append_utf8(folded, out);
  });
  return out;
}

std::optional<SearchKey> SearchKey::make(std::string_view text, std::string_view charset) {
  const auto converter = open_converter(charset);
  if (!converter) return std::nullopt;
  SearchKey key;
  convert_all(*converter, text, [&](std::u16string_view units) { append_folded(units, key.units_); });
  key.failure_.resize(key.units_.size());
  for (std::size_t i = 1, border = 0; i < key.units_.size(); ++i) {
    while (border > 0 && key.units_[i] != key.units_[border]) border = key.failure_[border - 1];
    if (key.units_[i] == key.units_[border]) ++border;
    key.failure_[i] = border;
  }
  return key;
}

struct TextSearch::Converter {
  ConverterPtr icu;
};

TextSearch::TextSearch(const SearchKey& key, std::string_view charset)
    : key_{&key}, converter_{std::make_unique<Converter>()}, found_{key.empty()} {
  converter_->icu = open_converter(charset);
  if (!converter_->icu) converter_->icu = open_converter("iso-8859-1");
}

TextSearch::~TextSearch() = default;

bool TextSearch::feed(std::string_view octets) {
  convert(octets, false);
  return found_;
}

bool TextSearch::finish() {
  convert({}, true);
  return found_;
}

void TextSearch::convert(std::string_view octets, bool flush) {
  for (bool done = false; !done && !found_;) {
    done = convert_chunk(*converter_->icu, octets, flush ? Flush::yes : Flush::no, units_);
    match(done && flush ? units_.size() : whole_units(units_));
  }
}

// Folds and matches the first `count` units, and drops them.
void TextSearch::match(std::size_t count) {
  std::u16string folded;
  append_folded(std::u16string_view(units_).substr(0, count), folded);
  units_.erase(0, count);
  for (const char16_t unit : folded) {
    while (matched_ > 0 && unit != key_->units_[matched_]) matched_ = key_->failure_[matched_ - 1];
    if (unit == key_->units_[matched_]) ++matched_;
    if (matched_ == key_->units_.size()) {
      found_ = true;
      return;
    }
  }
}

}  // namespace mailroom
