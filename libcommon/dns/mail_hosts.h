// From a mail domain to its hosts (RFC 5321 5.1, RFC 7505, RFC 7672 2.2, RFC 8461 3.1).  Pure.
//
// A search says what it must know, and is told; in between it does nothing:
//
//   MailHostSearch search{{.domain = "example.org"}};
//   while (!search.is_done())
//     for (const Question& question : search.take_questions())
//       search.answered(question, ... the DNS's answer ...);
//   search.result();
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/dns/question.h"

namespace mailroom::dns {

struct MailDomain {
  std::string name;
  bool fixed = false;       // a host to go to: its MX records are not looked at
  std::uint16_t port = 25;  // of the TLSA records
};

class MailHostSearch {
 public:
  explicit MailHostSearch(MailDomain domain);

  // What is to be asked and was not returned before.
  std::vector<Question> take_questions();

  // In any order; an answer to what was not asked, or was answered, is ignored.
  void answered(const Question& question, const Answer& answer);

  bool is_done() const { return open_ == 0; }
  const MailHosts& result() const { return found_; }  // once is_done()

 private:
  const Answer* ask(Type type, const std::string& name);
  void evaluate();
  void find_sts();
  void find_hosts();
  void take_mx(const Answer& mx);
  void look_at(MailHost& host);
  void find_tlsa(MailHost& host);
  std::vector<std::string> tlsa_bases(MailHost& host);
  static void fail_tlsa(MailHost& host, const std::string& problem);

  MailDomain domain_;
  std::map<Question, std::optional<Answer>> answers_;  // nothing: asked, not yet answered
  std::vector<Question> fresh_;
  std::size_t open_ = 0;
  std::size_t tlsa_room_ = 0;  // octets
  MailHosts found_;
};

}  // namespace mailroom::dns
