// Names that strangers' DNS servers give to addresses: few and only names of hosts are asked for, and only
// one that leads back is confirmed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/policy/reverse_name.h"
#include "libcommon/text/host_name.h"

using namespace mailroom;

namespace {

constexpr IpAddress kClient{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}, 25};
constexpr IpAddress kOther{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 2}, 0};

void check(bool holds) {
  if (!holds) std::abort();
}

// By the bits of an octet: the outcome, and which addresses there are.
dns::Answer answer_of(unsigned char octet) {
  dns::Answer answer{.outcome = static_cast<dns::Outcome>(octet & 3), .ttl = octet};
  if (octet & 4) answer.addresses.push_back(kOther);
  if (octet & 8) answer.addresses.push_back(kClient);
  if (answer.outcome == dns::Outcome::failed) answer.addresses.clear();
  return answer;
}

bool leads_back(const dns::Answer& answer) {
  return std::ranges::any_of(answer.addresses, [](const auto& a) { return a.bytes == kClient.bytes; });
}

void check_names(const std::vector<std::string>& names) {
  check(names.size() <= policy::kMaxNames);
  for (auto name = names.begin(); name != names.end(); ++name) {
    check(!name->empty() && name->size() <= kMaxHostName);
    check(name->find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") == name->npos);
    check(std::find(name + 1, names.end(), *name) == names.end());
  }
}

void check_found(const policy::ReverseNameFound& found, const std::vector<std::string>& names,
                 const std::vector<dns::Answer>& answers) {
  check((found.outcome == policy::ReverseName::confirmed) == !found.names.empty());
  for (const std::string& name : found.names) {
    const auto at = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    check(at < answers.size() && leads_back(answers[at]));
  }
  check(!policy::words_of(found).empty());
}

}  // namespace

// The PTR answer's octet; eight octets of answers; then names, one in each line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kAnswers = 8;
  if (size <= kAnswers) return 0;
  dns::Answer ptr = answer_of(data[0]);
  std::string_view text{reinterpret_cast<const char*>(data) + 1 + kAnswers, size - 1 - kAnswers};
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    ptr.names.emplace_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  const auto names = policy::names_to_ask(ptr);
  check_names(names);
  std::vector<dns::Answer> answers;
  for (std::size_t i = 0; i < kAnswers; ++i) answers.push_back(answer_of(data[1 + i]));
  check_found(policy::confirm_names(kClient, ptr, answers), names, answers);
  return 0;
}
