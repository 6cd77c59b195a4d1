#include "daemons/dnsd/question_desk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libcommon/dns/name.h"
#include "libcommon/ipc/overloaded.h"
#include "libcommon/text/ascii.h"

namespace mailroom::dnsd {
namespace {

using Clock = std::chrono::steady_clock;

// What needs no lookup.
dns::Answer settled(dns::Outcome outcome, std::string problem) {
  dns::Answer answer;
  answer.outcome = outcome;
  answer.problem = std::move(problem);
  return answer;
}

dns::MailHosts settled_hosts(dns::Outcome outcome, std::string problem) {
  dns::MailHosts hosts;
  hosts.outcome = outcome;
  hosts.problem = std::move(problem);
  return hosts;
}

DnsQuestionId number_of(const AskerToDnsd& message) {
  return std::visit([](const auto& question) { return question.question; }, message);
}

}  // namespace

QuestionDesk::QuestionDesk(event::Loop& loop, Lookups& lookups, Answer answer)
    : lookups_{lookups}, answer_{std::move(answer)}, expiry_{loop, [this] { expire(); }} {}

void QuestionDesk::ask(AskerKey asker, const AskerToDnsd& message, std::chrono::milliseconds timeout) {
  const Key key = ++last_;
  const bool is_search = std::holds_alternative<FindMailHosts>(message);
  open_.emplace(key, Open{asker, number_of(message), is_search, Clock::now() + timeout, {}});
  if (++counts_[asker] > kMaxOpen) return fail(key, "too many questions at once");
  if (open_.size() == 1) watch();
  std::visit(Overloaded{[&](const LookUp& m) { look_up(key, m); },
                        [&](const FindMailHosts& m) { find_mail_hosts(key, m); }},
             message);
}

void QuestionDesk::forget(AskerKey asker) {
  std::vector<dns::Question> asked;
  std::erase_if(open_, [&](auto& entry) {
    if (entry.second.asker != asker) return false;
    asked.insert(asked.end(), entry.second.asked.begin(), entry.second.asked.end());
    return true;
  });
  counts_.erase(asker);
  abandon(asker, asked);
}

void QuestionDesk::abandon(AskerKey asker, const std::vector<dns::Question>& questions) {
  for (const dns::Question& question : questions) lookups_.abandoned(asker, question);
}

// ---- single lookups

void QuestionDesk::look_up(Key key, const LookUp& message) {
  if (!dns::is_known(message.type)) return fail(key, "a type of record that nobody looks for");
  const bool is_reverse = message.type == dns::Type::ptr && message.name.empty();
  const dns::Question question{message.type,
                               is_reverse ? dns::reverse_name(message.address) : lower_case(message.name)};
  if (!dns::is_domain_name(question.name))
    return answer(open_.find(key), LookedUp{0, settled(dns::Outcome::no_domain, "not a domain name")});
  look_up(key, question, [this, key](const dns::Answer& answered) {
    const auto open = open_.find(key);
    if (open == open_.end()) return;
    open->second.asked.clear();
    answer(open, LookedUp{0, answered});
  });
}

void QuestionDesk::look_up(Key key, const dns::Question& question, Lookups::OnAnswer on_answer) {
  open_.at(key).asked.push_back(question);
  lookups_.look_up(open_.at(key).asker, question,
                   {[this, key] { return open_.contains(key); }, std::move(on_answer)});
}

// ---- searches

void QuestionDesk::find_mail_hosts(Key key, const FindMailHosts& message) {
  const std::string domain = lower_case(message.domain);
  if (!dns::is_domain_name(domain))
    return answer(open_.find(key),
                  MailHostsFound{0, settled_hosts(dns::Outcome::no_domain, "not a domain name")});
  open_.at(key).search.emplace(dns::MailDomain{domain, message.fixed, message.port});
  go_on(key);
}

// What a search has come to ask for, until it is done.
void QuestionDesk::go_on(Key key) {
  const auto open = open_.find(key);
  dns::MailHostSearch& search = *open->second.search;
  if (search.is_done()) return answer(open, MailHostsFound{0, search.result()});
  for (const dns::Question& question : search.take_questions())
    look_up(key, question,
            [this, key, question](const dns::Answer& answered) { found(key, question, answered); });
}

void QuestionDesk::found(Key key, const dns::Question& question, const dns::Answer& answered) {
  const auto open = open_.find(key);
  if (open == open_.end()) return;  // too late, or the asker has gone
  std::erase(open->second.asked, question);
  open->second.search->answered(question, answered);
  go_on(key);
}

// ---- answers

void QuestionDesk::answer(std::map<Key, Open>::iterator open, DnsdToAsker&& message) {
  std::visit([&](auto& found) { found.question = open->second.question; }, message);
  const AskerKey asker = open->second.asker;
  const std::vector<dns::Question> asked = std::move(open->second.asked);
  open_.erase(open);
  --counts_[asker];
  abandon(asker, asked);
  answer_(asker, message);
}

void QuestionDesk::fail(Key key, const std::string& problem) {
  const auto open = open_.find(key);
  if (open->second.is_search)
    return answer(open, MailHostsFound{0, settled_hosts(dns::Outcome::failed, problem)});
  answer(open, LookedUp{0, settled(dns::Outcome::failed, problem)});
}

// ---- time

// The oldest are the first to be over, but for those asked right after dnsd.timeout was changed.
void QuestionDesk::expire() {
  while (!open_.empty() && open_.begin()->second.until <= Clock::now())
    fail(open_.begin()->first, "no answer in time");
  if (!open_.empty()) watch();
}

void QuestionDesk::watch() {
  const auto wait = std::chrono::ceil<std::chrono::microseconds>(open_.begin()->second.until - Clock::now());
  expiry_.start(std::max(wait, std::chrono::microseconds{0}));
}

}  // namespace mailroom::dnsd
