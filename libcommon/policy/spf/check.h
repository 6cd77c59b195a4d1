// Whether a host may send mail as a domain: check_host() of SPF (RFC 7208 4).  Pure.
//
// A check says what it must know, and is told; in between it does nothing:
//
//   Check check{{.client = address, .helo = "mail.example.org", .local = "anna", .domain = "example.org"}};
//   while (const dns::Question* question = check.question())
//     check.answered(... the DNS's answer to it ...);
//   check.result();
//
// Nothing in it is recursive: included records lie on a stack, which the limit on lookups bounds.  Of an
// explanation (exp) only the grammar is looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/dns/question.h"
#include "libcommon/policy/spf/record.h"

namespace mailroom::spf {

// RFC 7208 2.6
enum class Result : std::uint8_t { none, neutral, pass, fail, softfail, temperror, permerror };

constexpr const char* result_name(Result result) {
  constexpr const char* kNames[] = {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"};
  return kNames[static_cast<unsigned>(result)];
}

// RFC 7208 4.6.4
inline constexpr unsigned kMaxTerms = 10;  // that need lookups: include, a, mx, ptr, exists, redirect, %{p}
inline constexpr unsigned kMaxVoids = 2;   // lookups of theirs that find nothing
inline constexpr std::size_t kMaxHosts = 10;  // of one mx; a client's names beyond it are not looked at
// Questions of one check: a record for each term and the first, and names below it.
inline constexpr unsigned kMaxQuestions = (kMaxTerms + 1) * (kMaxHosts + 1) + kMaxHosts + 1;

struct Identity {
  IpAddress client;
  std::string helo;
  std::string local;   // of the sender; empty: "postmaster" (RFC 7208 4.3)
  std::string domain;  // of the sender, in A-labels
};

class Check {
 public:
  explicit Check(Identity identity);

  // What is to be asked next, PTR by the name in the reverse zone; null: result() is there.
  const dns::Question* question() const { return question_ ? &*question_ : nullptr; }
  // The answer to it.
  void answered(const dns::Answer& answer);

  Result result() const { return result_.value_or(Result::temperror); }
  // The directive that decided, and the domain of its record: "-all" "example.org".  Empty when none has.
  const std::string& directive() const { return directive_; }
  const std::string& directive_domain() const { return directive_domain_; }

 private:
  // A record under evaluation; those below it include it.
  struct Level {
    std::string domain;
    Record record;
    std::size_t next = 0;  // of its directives
  };
  // What the open question is for.
  enum class Purpose : std::uint8_t { record, addresses, hosts, host, existence, names, name };

  void ask(Purpose purpose, dns::Type type, std::string name);
  void run();
  void step();
  void begin(const Directive& directive);
  void look_up(const Directive& directive);
  void end_of_record();
  void fetch_record(const std::string& domain);
  void find_names();

  void got_record(const dns::Answer& answer);
  void got_addresses(const dns::Answer& answer);
  void got_hosts(const dns::Answer& answer);
  void got_host(const dns::Answer& answer);
  void got_existence(const dns::Answer& answer);
  void got_names(const dns::Answer& answer);
  void got_name(const dns::Answer& answer);

  bool may_look_up();
  bool has_failed(const dns::Answer& answer);
  std::optional<std::string> target(const std::string& domain_spec);
  std::string expanded(const std::string& domain_spec) const;
  std::string validated_name() const;
  bool matches_client(const dns::Answer& answer) const;
  bool is_client_named(const std::string& domain) const;
  const Directive& current() const { return levels_.back().record.directives[levels_.back().next]; }
  dns::Type address_type() const { return identity_.client.is_v4() ? dns::Type::a : dns::Type::aaaa; }

  void next_host();
  void next_name();
  void matched(bool match);
  void decided_by(const Directive& directive);
  void conclude(Result result);
  void end(Result result);

  Identity identity_;
  std::vector<Level> levels_;
  std::optional<dns::Question> question_;
  Purpose purpose_ = Purpose::record;
  std::vector<std::string> hosts_;  // whose addresses are still to be looked at, the next one last
  bool names_known_ = false;
  std::vector<std::string> names_;  // of the client, validated (RFC 7208 5.5)
  unsigned terms_ = 0;
  unsigned voids_ = 0;
  std::optional<Result> result_;
  std::string directive_, directive_domain_;
};

}  // namespace mailroom::spf
