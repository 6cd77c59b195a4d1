// What libunbound hands over: whatever a message holds, an answer stays within its bounds and its names are
// host names.
#include <algorithm>
#include <cstdlib>

#include "libcommon/dns/limits.h"
#include "libcommon/dns/message.h"
#include "libcommon/dns/name.h"

using namespace mailroom::dns;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_answer(const Answer& answer, const Question& question) {
  check(answer.addresses.size() <= kMaxAddresses && answer.names.size() <= kMaxNames &&
        answer.mx.size() <= kMaxMx);
  check(answer.texts.size() <= kMaxTexts && answer.tlsa.size() <= kMaxTlsa && answer.ttl <= kMaxTtl);
  check(std::ranges::is_sorted(answer.mx, {}, &Mx::preference));
  check(question.type == Type::cname || is_domain_name(answer.canonical_name));
  for (const auto& mx : answer.mx) check(mx.exchange.empty() || is_domain_name(mx.exchange));
  for (const auto& name : answer.names) check(is_domain_name(name));
  for (const auto& text : answer.texts) check(text.size() <= kMaxText);
  for (const auto& tlsa : answer.tlsa) check(tlsa.data.size() <= kMaxTlsaData);
}

}  // namespace

// The question is the message's own, so that what follows it is looked at.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHeaderSize = 12;
  const std::string_view message{reinterpret_cast<const char*>(data), size};
  const auto name = read_name(message, kHeaderSize);
  if (!name || name->end + 2 > size || !is_domain_name(name->text)) return 0;
  const auto type = static_cast<Type>(data[name->end] << 8 | data[name->end + 1]);
  if (!is_known(type)) return 0;
  const Question question{type, name->text};
  if (const auto answer = read_answer(message, question)) check_answer(*answer, question);
  return 0;
}
