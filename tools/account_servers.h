// policyd and authd, as mr-account sees them.  Every call is one question, answered when the effect is on
// disk; failures are words for the operator.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/channels/tools_authd.h"
#include "daemons/channels/tools_policyd.h"
#include "tools/tool_connection.h"

namespace mailroom {

class AccountServers {
 public:
  template <typename T>
  using Result = std::expected<T, std::string>;

  // `directory` is that of the control sockets.
  static Result<AccountServers> connect(const std::string& directory);

  Result<std::vector<AddResult>> add(std::vector<NewAccount> accounts);
  Result<void> change(const ChangeAccount& change);
  Result<void> remove(const std::string& name);
  Result<AccountShown> show(const std::string& name);
  Result<void> set_alias(const std::string& address, std::vector<std::string> accounts);
  // Calls back for each, in order.
  Result<void> for_all_accounts(const std::function<void(const AccountFacts&)>& visit);
  Result<void> for_all_aliases(const std::function<void(const AliasFacts&)>& visit);

  Result<void> set_password(const std::string& name, const std::string& password);
  Result<void> set_hashes(std::vector<HashedSecret> secrets);
  Result<void> remove_secret(const std::string& name);
  Result<SecretFacts> describe_secret(const std::string& name);

 private:
  using Policyd = ToolConnection<ToolToPolicyd, PolicydToTool>;
  using Authd = ToolConnection<ToolToAuthd, AuthdToTool>;
  AccountServers(Policyd policyd, Authd authd) : policyd_{std::move(policyd)}, authd_{std::move(authd)} {}

  Policyd policyd_;
  Authd authd_;
};

}  // namespace mailroom
