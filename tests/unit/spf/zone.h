// A DNS in memory, and checks against it.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libcommon/policy/spf/check.h"
#include "libcommon/sys/ip_network.h"

namespace mailroom::spf::test {

inline IpAddress ip(const std::string& text) { return parse_ip_network(text)->base; }

class Zone {
 public:
  Zone& txt(const std::string& name, const std::string& text) {
    records_[{dns::Type::txt, name}].texts.push_back(text);
    return *this;
  }
  Zone& a(const std::string& name, std::initializer_list<const char*> addresses) {
    for (const char* address : addresses) {
      const IpAddress parsed = ip(address);
      records_[{parsed.is_v4() ? dns::Type::a : dns::Type::aaaa, name}].addresses.push_back(parsed);
    }
    return *this;
  }
  Zone& mx(const std::string& name, std::initializer_list<const char*> hosts) {
    for (const char* host : hosts) records_[{dns::Type::mx, name}].mx.push_back({10, host});
    return *this;
  }
  Zone& ptr(const std::string& address, std::initializer_list<const char*> names) {
    auto& answer = records_[{dns::Type::ptr, dns::reverse_name(ip(address))}];
    answer.names.insert(answer.names.end(), names.begin(), names.end());
    return *this;
  }
  // Lookups of it get no answer.
  Zone& broken(dns::Type type, const std::string& name) {
    broken_.insert({type, name});
    return *this;
  }

  dns::Answer ask(const dns::Question& question) const {
    dns::Answer answer;
    if (broken_.contains(question)) return answer;
    const auto found = records_.find(question);
    if (found != records_.end()) answer = found->second;
    answer.outcome = found == records_.end() ? dns::Outcome::no_domain : dns::Outcome::answer;
    return answer;
  }

 private:
  std::map<dns::Question, dns::Answer> records_;
  std::set<dns::Question> broken_;
};

struct Checked {
  std::string result;  // "fail"
  std::string by;      // "-all of example.com"
  std::vector<dns::Question> asked;
};

inline Checked run(const Zone& zone, const std::string& client, const std::string& sender,
                   const std::string& helo = "mail.example.com") {
  const std::size_t at = sender.rfind('@');
  Check check{{ip(client), helo, sender.substr(0, at), sender.substr(at + 1)}};
  Checked checked;
  while (const dns::Question* question = check.question()) {
    checked.asked.push_back(*question);
    REQUIRE(checked.asked.size() <= kMaxQuestions);
    check.answered(zone.ask(*question));
  }
  checked.result = result_name(check.result());
  if (!check.directive().empty()) checked.by = check.directive() + " of " + check.directive_domain();
  return checked;
}

inline std::string result(const Zone& zone, const std::string& client, const std::string& sender,
                          const std::string& helo = "mail.example.com") {
  return run(zone, client, sender, helo).result;
}

}  // namespace mailroom::spf::test
