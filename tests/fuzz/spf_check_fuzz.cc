// SPF: records, macros and what the DNS may answer.  Each line of the input is the answer to one question;
// after the last one every lookup finds nothing.  The first line is the sender, the second the HELO name.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "libcommon/dns/limits.h"
#include "libcommon/dns/name.h"
#include "libcommon/policy/spf/check.h"
#include "libcommon/policy/spf/macro.h"
#include "libcommon/sys/ip_network.h"

using namespace mailroom;

namespace {

std::string next_line(std::string_view& input) {
  const std::string line{input.substr(0, input.find('\n'))};
  input.remove_prefix(std::min(input.size(), line.size() + 1));
  return line;
}

void require(bool condition) {
  if (!condition) std::abort();
}

// "-": it fails; empty: it finds nothing; else what is in the line, for what was asked.
dns::Answer answer_of(const std::string& line, dns::Type type) {
  dns::Answer answer;
  if (line == "-") return answer;
  answer.outcome = line.empty() ? dns::Outcome::no_data : dns::Outcome::answer;
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = std::min(line.find('|', begin), line.size());
    const std::string part = line.substr(begin, end - begin);
    const auto network = parse_ip_network(part);
    if (type == dns::Type::txt) answer.texts.push_back(part.substr(0, dns::kMaxText));
    if (dns::is_domain_name(part) && type == dns::Type::mx) answer.mx.push_back({10, part});
    if (dns::is_domain_name(part) && type == dns::Type::ptr) answer.names.push_back(part);
    if (network && network->base.is_v4() == (type == dns::Type::a)) answer.addresses.push_back(network->base);
    begin = end + 1;
  }
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::string sender = next_line(input), helo = next_line(input);
  const std::size_t at = std::min(sender.rfind('@'), sender.size());
  const bool is_v6 = !helo.empty() && helo.front() == '6';
  spf::Check check{{.client = parse_ip_network(is_v6 ? "2001:db8::1" : "192.0.2.1")->base,
                    .helo = helo,
                    .local = sender.substr(0, at),
                    .domain = sender.substr(std::min(at + 1, sender.size()))}};
  unsigned questions = 0;
  while (const dns::Question* question = check.question()) {
    require(++questions <= spf::kMaxQuestions);
    require(dns::is_domain_name(question->name));
    check.answered(answer_of(next_line(input), question->type));
  }
  const bool is_fail = check.result() == spf::Result::fail;
  require(!is_fail || check.directive().starts_with('-'));
  return 0;
}
