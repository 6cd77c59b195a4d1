// Who has asked what: takes questions of the channels apart into lookups, and answers each once, in time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/channels/dnsd.h"
#include "daemons/dnsd/lookups.h"
#include "libcommon/dns/mail_hosts.h"
#include "libcommon/event/loop.h"

namespace mailroom::dnsd {

class QuestionDesk {
 public:
  // Questions of one channel that are open; a further one fails at once.
  static constexpr std::size_t kMaxOpen = 4'000;

  using Answer = std::function<void(AskerKey, const DnsdToAsker&)>;

  QuestionDesk(event::Loop& loop, Lookups& lookups, Answer answer);

  // A question is answered with a failed lookup when `timeout` is over.
  void ask(AskerKey asker, const AskerToDnsd& message, std::chrono::milliseconds timeout);

  // What it has asked is forgotten.
  void forget(AskerKey asker);

 private:
  using Key = std::uint64_t;  // of an open question, ascending
  using Time = std::chrono::steady_clock::time_point;

  struct Open {
    AskerKey asker = 0;
    DnsQuestionId question = 0;
    bool is_search = false;  // FindMailHosts
    Time until;
    std::optional<dns::MailHostSearch> search;
    std::vector<dns::Question> asked;  // of lookups, not answered
  };

  void look_up(Key key, const LookUp& message);
  void find_mail_hosts(Key key, const FindMailHosts& message);
  void go_on(Key key);
  void look_up(Key key, const dns::Question& question, Lookups::OnAnswer on_answer);
  void found(Key key, const dns::Question& question, const dns::Answer& answered);
  void answer(std::map<Key, Open>::iterator open, DnsdToAsker&& message);
  void abandon(AskerKey asker, const std::vector<dns::Question>& questions);
  void fail(Key key, const std::string& problem);
  void expire();
  void watch();

  Lookups& lookups_;
  Answer answer_;
  std::map<Key, Open> open_;
  Key last_ = 0;
  std::map<AskerKey, std::size_t> counts_;
  event::Timer expiry_;
};

}  // namespace mailroom::dnsd
