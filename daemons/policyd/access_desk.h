// What mr-access asks for: grants and limits are shown and taken back, verdicts explained.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "daemons/channels/tools_policyd.h"
#include "daemons/policyd/grant_desk.h"
#include "daemons/policyd/judge.h"
#include "daemons/policyd/limit_keeper.h"
#include "daemons/policyd/name_desk.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

class AccessDesk {
 public:
  AccessDesk(state::Directory& directory, GrantDesk& grants, LimitKeeper& limits, NameDesk& names,
             Judge& judge)
      : directory_{directory}, grants_{grants}, limits_{limits}, names_{names}, judge_{judge} {}

  // Each throws when the shared state cannot be read or written; nothing was changed then.
  PolicydToTool handle(const ListGrants& request);
  PolicydToTool handle(const RevokeGrants& request);
  PolicydToTool handle(const ListLimits& request);
  PolicydToTool handle(const ReleaseLimit& request);
  // Answers once, at once or when the DNS has.
  void explain(const ExplainMail& request, std::function<void(const PolicydToTool&)> answer);

 private:
  // Who has logged in.
  struct Identity {
    std::optional<AccountId> account;
    std::string principal;                // of a device, in place of an account
    std::optional<LoginRefusal> refused;  // the account may not log in there
  };
  // Refused when there is nobody of that name.
  std::expected<Identity, ToolRefused> identity_of(const ExplainMail& request);
  std::vector<policy::LimitRow> rows_for(const state::View& view, const policy::LimitBook::Key& key) const;
  PolicydToTool explained(const ExplainMail& request, const policy::ReverseNameFound& name);

  state::Directory& directory_;
  GrantDesk& grants_;
  LimitKeeper& limits_;
  NameDesk& names_;
  Judge& judge_;
};

}  // namespace mailroom::policyd
