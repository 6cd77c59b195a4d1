// What mr-access asks for: grants and limits are shown and taken back, verdicts explained.
#pragma once

#include "daemons/channels/tools_policyd.h"
#include "daemons/policyd/grant_desk.h"
#include "daemons/policyd/judge.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

class AccessDesk {
 public:
  AccessDesk(state::Directory& directory, GrantDesk& grants, policy::LimitBook& limits, Judge& judge)
      : directory_{directory}, grants_{grants}, limits_{limits}, judge_{judge} {}

  // Each throws when the shared state cannot be read or written; nothing was changed then.
  PolicydToTool handle(const ListGrants& request);
  PolicydToTool handle(const RevokeGrants& request);
  PolicydToTool handle(const ListLimits& request);
  PolicydToTool handle(const ReleaseLimit& request);
  PolicydToTool handle(const ExplainMail& request);

 private:
  state::Directory& directory_;
  GrantDesk& grants_;
  policy::LimitBook& limits_;
  Judge& judge_;
};

}  // namespace mailroom::policyd
