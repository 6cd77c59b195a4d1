#include "spool/queue/queue_id.h"

#include <algorithm>

namespace mailroom::queue {
namespace {
constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr unsigned kIdsPerSecondBits = 20;
}  // namespace

std::string id_text(Id id) {
  std::string reversed;
  do {
    reversed.push_back(kDigits[id % 32]);
    id /= 32;
  } while (id != 0);
  return {reversed.rbegin(), reversed.rend()};
}

std::optional<Id> parse_id(std::string_view text) {
  if (text.empty() || text.size() > kMaxIdText) return {};
  Id id = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos || id >> 59 != 0) return {};
    id = id << 5 | digit;
  }
  if (id_text(id) != text) return {};
  return id;
}

Id first_id(Id highest_seen, std::uint64_t microseconds_since_1970) {
  constexpr std::uint64_t kMicroseconds = 1'000'000;
  const Id second = static_cast<Id>(microseconds_since_1970 / kMicroseconds) << kIdsPerSecondBits;
  const Id within = ((microseconds_since_1970 % kMicroseconds) << kIdsPerSecondBits) / kMicroseconds;
  return std::max(highest_seen + 1, second + within);
}

}  // namespace mailroom::queue
