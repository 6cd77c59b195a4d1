// Gathers the facts of one question and has the policy decide.  The one place where both mail and mr-access
// explain come to a verdict.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/policyd/grant_desk.h"
#include "daemons/policyd/site.h"
#include "libcommon/policy/limits.h"
#include "libcommon/policy/policy.h"
#include "libcommon/policy/reverse_name.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

// The class of an SMTP service.
policy::Listener listener_of(Service service);

struct Question {
  policy::Stage stage = policy::Stage::recipient;
  policy::Listener listener = policy::Listener::mx;
  IpAddress client;  // as the listener saw it
  std::optional<AccountId> login;
  std::string_view principal;             // that a device has proved, at the relay; empty: none
  policy::ReverseNameFound reverse_name;  // at the relay
  std::string_view reverse_path;
  std::string_view forward_path;
  std::uint32_t unknown_recipients = 0;
  std::uint32_t recipients = 0;
};

// Where a fact comes from, for people.
struct Source {
  std::string_view fact;  // as policy::words_of() names it
  std::string words;
};
using Sources = std::vector<Source>;

struct Judgement {
  policy::Facts facts;
  policy::Verdict verdict;
  std::vector<AccountId> targets;
  std::string domain;                             // of a remote recipient
  std::string submitter;                          // the account or device that speaks; empty: nobody we know
  std::string device;                             // the active device that it is; empty: none
  std::string speaker;                            // the same, or one that may not speak: for the log
  std::vector<std::string> authors;               // sender patterns for From: and Sender:; empty: any
  std::optional<policy::LimitBook::Key> counted;  // whom the message counts for
  std::vector<policy::LimitRow> own_limits;
};

class Judge {
 public:
  Judge(state::Directory& directory, const Config& config, GrantDesk& grants, policy::LimitBook& limits);

  // `sources` may be null.  A failure of the disk is logged, and a fact.
  Judgement judge(const Question& question, Sources* sources = nullptr);

  // What is forgiven the device that asks, if it is an active one.  A failure of the disk is logged, and
  // nothing is forgiven then.
  policy::Quirks device_quirks(const Question& question);

  void reconfigured(const Config& config);
  const Site& site() const { return site_; }

 private:
  struct Speaker {
    state::Account account;
    state::Permissions permissions;
    std::vector<std::string> patterns;  // own ones first
  };
  struct Case;  // a question with what is found out about it

  void gather_network(Case& c) const;
  void gather_login(Case& c) const;
  void gather_grant(Case& c);
  void gather_device(Case& c) const;
  std::optional<policy::Registration> device_of(const Case& c) const;
  policy::Device fact_of(const Case& c, const policy::Registration& device) const;
  void gather_sender(Case& c) const;
  policy::Sender kind_of_sender(const Case& c, const policy::Address& sender, const Found& owners) const;
  void gather_recipient(Case& c) const;
  void gather_limit(Case& c) const;
  Speaker speaker(const state::View& view, state::Account account) const;
  bool may_send_as(const Case& c, const Speaker& speaker, const policy::Address& sender,
                   const Found& owners) const;
  void speak_as(Case& c, std::vector<const Speaker*> speakers) const;
  std::string words_of(const state::View& view, const Found& found) const;

  state::Directory& directory_;
  GrantDesk& grants_;
  policy::LimitBook& limits_;
  Site site_;
  std::vector<NetworkConfig> networks_;
  std::string help_;
  std::uint32_t max_recipients_ = 0;
  bool guard_own_domains_ = false;
  bool personal_senders_ = false;
  bool reviews_enforced_ = false;
};

}  // namespace mailroom::policyd
