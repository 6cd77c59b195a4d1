// A value of the shared state, as LMDB stores it: version, fields, check.  LMDB has no checksums of its own
// and trusts its pages (SECURITY.md section 4), so each record carries one, over its key too: a record under
// another key is as bad as a changed one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/ipc/codec.h"

namespace mailroom::state {

inline constexpr std::uint8_t kRecordVersion = 1;
inline constexpr std::size_t kCheckSize = 8;

// version, payload and check.
std::string seal_record(std::string_view key, std::string_view payload);

// The payload, pointing into `record`; nothing unless version and check are right.
std::optional<std::string_view> open_record(std::string_view key, std::string_view record);

template <typename T>
std::string encode_record(std::string_view key, const T& value) {
  std::string payload;
  ipc::Encoder{payload}.put(value);
  return seal_record(key, payload);
}

template <typename T>
std::optional<T> decode_record(std::string_view key, std::string_view record) {
  const auto payload = open_record(key, record);
  if (!payload) return std::nullopt;
  T value{};
  ipc::Decoder decoder{*payload};
  if (!decoder.get(value) || !decoder.finished()) return std::nullopt;
  return value;
}

}  // namespace mailroom::state
