#include "spool/queue/envelope.h"

#include <set>

namespace mailroom::queue {

routing::SenderTls tls_on_the_way(const Envelope& envelope) {
  using routing::SenderTls;
  const bool is_report = envelope.reverse_path.empty();
  return is_report && envelope.tls == SenderTls::required ? SenderTls::unspecified : envelope.tls;
}

std::string_view domain_of(const Envelope& envelope, const Target& target) {
  if (target.account != 0 || target.recipient >= envelope.recipients.size()) return kLocalPart;
  return envelope.recipients[target.recipient].domain;
}

std::vector<std::string_view> parts_of(const Envelope& envelope) {
  std::vector<std::string_view> parts;
  std::set<std::string_view> seen;
  for (const Target& target : envelope.targets)
    if (const auto domain = domain_of(envelope, target); seen.insert(domain).second) parts.push_back(domain);
  return parts;
}

std::vector<std::uint32_t> parts_with(const Envelope& envelope, const std::vector<std::uint32_t>& targets) {
  std::set<std::string_view> domains;
  for (const std::uint32_t number : targets)
    if (number > 0 && number <= envelope.targets.size())
      domains.insert(domain_of(envelope, envelope.targets[number - 1]));
  const auto parts = parts_of(envelope);
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < parts.size(); ++i)
    if (domains.contains(parts[i])) numbers.push_back(i);
  return numbers;
}

std::string answer_text(const TargetAnswer& answer) {
  std::string text = answer.code == 0 ? std::string{} : std::to_string(answer.code);
  for (const std::string& word : {answer.enhanced, answer.text}) {
    if (!text.empty() && !word.empty()) text += ' ';
    text += word;
  }
  return text;
}

}  // namespace mailroom::queue
