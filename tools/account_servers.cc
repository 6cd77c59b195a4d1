#include "tools/account_servers.h"

namespace mailroom {
namespace {

template <typename T>
using Result = AccountServers::Result<T>;

template <typename Answer>
Result<void> expect_done(Result<Answer> answer) {
  const auto done = expect_answer<Done>(std::move(answer));
  if (!done) return std::unexpected(done.error());
  return {};
}

}  // namespace

Result<AccountServers> AccountServers::connect(const std::string& directory) {
  auto policyd = connect_to_control_socket(directory + "/policyd.sock");
  if (!policyd) return std::unexpected(policyd.error());
  auto authd = connect_to_control_socket(directory + "/authd.sock");
  if (!authd) return std::unexpected(authd.error());
  return AccountServers{Policyd{std::move(*policyd)}, Authd{std::move(*authd)}};
}

Result<std::vector<AddResult>> AccountServers::add(std::vector<NewAccount> accounts) {
  auto added = expect_answer<AccountsAdded>(policyd_.ask(AddAccounts{std::move(accounts)}));
  if (!added) return std::unexpected(added.error());
  return std::move(added->results);
}

Result<void> AccountServers::change(const ChangeAccount& change) { return expect_done(policyd_.ask(change)); }

Result<void> AccountServers::remove(const std::string& name) {
  return expect_done(policyd_.ask(RemoveAccount{name}));
}

Result<AccountShown> AccountServers::show(const std::string& name) {
  return expect_answer<AccountShown>(policyd_.ask(ShowAccount{name}));
}

Result<void> AccountServers::set_alias(const std::string& address, std::vector<std::string> accounts) {
  return expect_done(policyd_.ask(SetAlias{address, std::move(accounts)}));
}

Result<void> AccountServers::for_all_accounts(const std::function<void(const AccountFacts&)>& visit) {
  std::string after;
  for (;;) {
    const auto page = expect_answer<AccountPage>(policyd_.ask(ListAccounts{after}));
    if (!page) return std::unexpected(page.error());
    for (const AccountFacts& account : page->accounts) visit(account);
    if (page->last || page->accounts.empty()) return {};
    after = page->accounts.back().name;
  }
}

Result<void> AccountServers::for_all_aliases(const std::function<void(const AliasFacts&)>& visit) {
  std::string after;
  for (;;) {
    const auto page = expect_answer<AliasPage>(policyd_.ask(ListAliases{after}));
    if (!page) return std::unexpected(page.error());
    for (const AliasFacts& alias : page->aliases) visit(alias);
    if (page->last || page->aliases.empty()) return {};
    after = page->aliases.back().address;
  }
}

Result<void> AccountServers::set_password(const std::string& name, const std::string& password) {
  return expect_done(authd_.ask(SetPassword{name, password}));
}

Result<void> AccountServers::set_hashes(std::vector<HashedSecret> secrets) {
  return expect_done(authd_.ask(SetHashes{std::move(secrets)}));
}

Result<void> AccountServers::remove_secret(const std::string& name) {
  return expect_done(authd_.ask(RemoveSecret{name}));
}

Result<SecretFacts> AccountServers::describe_secret(const std::string& name) {
  return expect_answer<SecretFacts>(authd_.ask(DescribeSecret{name}));
}

}  // namespace mailroom
