// What mr-account asks for: accounts and aliases are made, changed, listed and removed.  Every change is on
// disk before it is answered; a new account's directory is there too, and what runs as a changed account has
// been told to end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemons/base/tool_sessions.h"
#include "daemons/channels/tools_policyd.h"
#include "daemons/policyd/access_desk.h"
#include "daemons/policyd/device_desk.h"
#include "daemons/policyd/login_desk.h"
#include "daemons/policyd/peers.h"
#include "daemons/policyd/site.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

class AccountDesk {
 public:
  using Answer = std::function<void(ToolId, const PolicydToTool&)>;

  AccountDesk(Peers& peers, state::Directory& directory, const Config& config, LoginDesk& logins,
              GrantDesk& grants, AccessDesk& access, DeviceDesk& devices, Answer answer);

  // Asks the supervisor again for what was not finished before this process started.
  void resume_errands();

  // What is not about accounts is handed to the desk that it is for.
  void on_request(ToolId tool, ToolToPolicyd&& request);
  void directories_made(const AccountDirectoriesMade& message);
  void reconfigured(const Config& config);

 private:
  // Accounts that were added together and wait for their directories.
  struct Batch {
    ToolId tool = 0;
    AccountsAdded answer;
    std::set<AccountId> waiting;
    std::vector<AccountId> made;
    std::set<AccountId> failed;
  };

  PolicydToTool handle(const ChangeAccount& request);
  PolicydToTool handle(const RemoveAccount& request);
  PolicydToTool handle(const ShowAccount& request);
  PolicydToTool handle(const ListAccounts& request);
  PolicydToTool handle(const SetAlias& request);
  PolicydToTool handle(const ListAliases& request);
  void add(ToolId tool, const AddAccounts& request);
  void finish(Batch& batch);
  void errands_done(const std::vector<AccountId>& accounts);
  std::vector<std::string> some_names(const state::View& view, const std::vector<AccountId>& accounts);

  Peers& peers_;
  state::Directory& directory_;
  LoginDesk& logins_;
  GrantDesk& grants_;
  AccessDesk& access_;
  DeviceDesk& devices_;
  Answer answer_;
  Site site_;
  AccountId end_of_ids_;
  std::map<AccountId, std::shared_ptr<Batch>> batches_;  // by each account that waits
};

}  // namespace mailroom::policyd
