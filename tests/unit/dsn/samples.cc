// Writes reports of every kind into the directory that is its argument, for foreign parsers to read.
#include <fstream>
#include <iostream>

#include "tests/unit/dsn/sample.h"

using namespace mailroom::dsn;

namespace {

void write(const std::string& directory, const std::string& name, const Report& report,
           const std::string& message, Return part, Transport transport) {
  std::ofstream{directory + "/" + name, std::ios::binary}
      << compose(report, {message, part}, transport).content;
}

Report with_action(Action action) {
  Report report = test::report();
  report.tried_until = test::kNow + 86400;
  report.recipients[0].action = action;
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string directory = argv[1];
  for (const Action action :
       {Action::failed, Action::delayed, Action::delivered, Action::relayed, Action::expanded})
    write(directory, action_name(action), with_action(action), test::kMessage, Return::header,
          Transport::seven_bit);

  Report full = test::report({test::failed(), test::failed("second@far.example")});
  full.envid = "QQ+2B314159";
  full.recipients[1].orcpt = "rfc822;someone+2Belse@campus.example";
  full.recipients[1].reply = "552 5.2.2 " + std::string(300, 'm') + " mailbox full";
  const std::string nested = test::kMessage + "--=_report_0123456789ab.1--\r\n\xc3\xa4\r\n";
  write(directory, "whole", full, nested, Return::whole, Transport::eight_bit);
  write(directory, "narrow", full, nested, Return::whole, Transport::seven_bit);

  Report international = test::report({test::failed("j\xc3\xb6rg@far.example")});
  write(directory, "xtext", international, test::kMessage, Return::whole, Transport::seven_bit);
  international.recipient = "m\xc3\xbcller@campus.example";
  write(directory, "global", international, test::kMessage, Return::whole, Transport::eight_bit);
  return std::cout ? 0 : 1;
}
