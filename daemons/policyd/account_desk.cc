#include "daemons/policyd/account_desk.h"

#include <algorithm>
#include <ctime>
#include <span>

#include "daemons/log.h"
#include "daemons/policyd/page_room.h"
#include "daemons/state_failure.h"
#include "libcommon/policy/login_name.h"
#include "libcommon/policy/sender_pattern.h"

namespace mailroom::policyd {
namespace {

// Names of one alias in a list, so that a row fits a packet.
constexpr std::size_t kMaxNamesShown = 100;
constexpr std::size_t kMaxAddressesShown = 150;

ToolRefused refused(state::Fault fault) { return {std::string{state::fault_text(fault)}}; }

// The form under which names and addresses are stored, so that operators may spell them as they like.
std::string name_of(const std::string& text) { return policy::canonical_login_name(text).value_or(text); }

std::string address_of(const std::string& text) {
  const auto parsed = state::parse_alias_address(text);
  return parsed ? parsed->key() : text;
}

AccountFacts facts_of(const state::Account& account) {
  return {account.id,
          account.name,
          account.services,
          account.disabled,
          account.own == state::OwnAddresses::every_domain,
          account.created};
}

state::OwnAddresses own_addresses(bool every_domain) {
  return every_domain ? state::OwnAddresses::every_domain : state::OwnAddresses::none;
}

void apply(const ChangeAccount& request, state::Account& account) {
  if (request.disabled) account.disabled = *request.disabled;
  if (request.services) account.services = *request.services & state::kAllServices;
  if (request.own_addresses) account.own = own_addresses(*request.own_addresses);
}

std::string change_words(const ChangeAccount& request) {
  std::string words;
  if (request.disabled) words += *request.disabled ? " disabled" : " enabled";
  if (request.services) words += " services=" + state::service_words(*request.services & state::kAllServices);
  if (request.own_addresses) words += *request.own_addresses ? " own-addresses" : " no-own-addresses";
  if (request.grants) words += *request.grants ? " grants" : " no-grants";
  if (request.functional) words += *request.functional ? " functional" : " personal";
  if (request.send_as) words += " send-as=" + std::to_string(request.send_as->size());
  return words.empty() ? words : words.substr(1);
}

// Sender patterns in their one form; what is none stays, and is refused by the directory.
void apply(const ChangeAccount& request, state::Permissions& permissions) {
  if (request.grants) permissions.no_grants = !*request.grants;
  if (request.functional) permissions.functional = *request.functional;
  if (!request.send_as) return;
  permissions.send_as.clear();
  for (const std::string& text : *request.send_as)
    permissions.send_as.push_back(policy::canonical_sender_pattern(text).value_or(text));
}

}  // namespace

AccountDesk::AccountDesk(Peers& peers, state::Directory& directory, const Config& config, LoginDesk& logins,
                         GrantDesk& grants, AccessDesk& access, DeviceDesk& devices, Answer answer)
    : peers_{peers}, directory_{directory}, logins_{logins}, grants_{grants}, access_{access},
      devices_{devices}, answer_{std::move(answer)}, site_{config}, end_of_ids_{config.uids.accounts_count} {}

void AccountDesk::reconfigured(const Config& config) { site_ = Site{config}; }

void AccountDesk::on_request(ToolId tool, ToolToPolicyd&& request) {
  try {
    std::visit(
        [&](const auto& message) {
          if constexpr (requires { handle(message); }) {
            answer_(tool, handle(message));
          } else if constexpr (requires { access_.handle(message); }) {
            answer_(tool, access_.handle(message));
          } else if constexpr (requires { devices_.handle(message); }) {
            answer_(tool, devices_.handle(message));
          } else if constexpr (std::is_same_v<const ExplainMail&, decltype(message)>) {
            access_.explain(message, [this, tool](const PolicydToTool& answer) { answer_(tool, answer); });
          } else {
            add(tool, message);
          }
        },
        request);
  } catch (const std::exception& error) {
    on_state_failure(error);
    answer_(tool, ToolRefused{std::string("nothing was changed: ") + error.what()});
  }
}

// ---- adding

static_assert(kMaxNewAccounts <= kMaxAccountDirectories);

void AccountDesk::add(ToolId tool, const AddAccounts& request) {
  if (request.accounts.size() > kMaxNewAccounts)
    return answer_(tool, ToolRefused{"too many accounts at once"});
  const auto batch = std::make_shared<Batch>();
  batch->tool = tool;
  auto update = directory_.update();
  for (const NewAccount& account : request.accounts) {
    const std::string name = name_of(account.name);
    const auto id = update.add({.name = name,
                                .services = static_cast<std::uint8_t>(account.services & state::kAllServices),
                                .own = own_addresses(account.own_addresses),
                                .created = static_cast<std::uint64_t>(std::time(nullptr))},
                               end_of_ids_);
    batch->answer.results.push_back(
        {name, id.value_or(0), id ? "" : std::string{state::fault_text(id.error())}});
    if (id) batch->waiting.insert(*id);
  }
  update.commit();
  for (const AccountId id : batch->waiting) batches_.emplace(id, batch);
  if (batch->waiting.empty()) return finish(*batch);
  peers_.tell_supervisor(MakeAccountDirectories{{batch->waiting.begin(), batch->waiting.end()}});
}

void AccountDesk::directories_made(const AccountDirectoriesMade& message) {
  std::set<std::shared_ptr<Batch>> finished;
  std::vector<AccountId> errands;  // from before this process started
  const auto take = [&](AccountId account) -> std::shared_ptr<Batch> {
    const auto found = batches_.find(account);
    if (found == batches_.end()) return nullptr;
    const std::shared_ptr<Batch> batch = found->second;
    batches_.erase(found);
    batch->waiting.erase(account);
    if (batch->waiting.empty()) finished.insert(batch);
    return batch;
  };
  for (const AccountId account : message.made) {
    const auto batch = take(account);
    (batch ? batch->made : errands).push_back(account);
  }
  for (const AccountId account : message.failed)
    if (const auto batch = take(account)) batch->failed.insert(account);
  errands_done(errands);
  for (const auto& batch : finished) finish(*batch);
}

void AccountDesk::finish(Batch& batch) {
  errands_done(batch.made);
  for (AddResult& result : batch.answer.results)
    if (batch.failed.contains(result.account))
      result.problem = "its directory could not be made; see the log";
  for (const AddResult& result : batch.answer.results)
    if (result.account != 0) log::write("account-added", {{"account", result.name}, {"id", result.account}});
  answer_(batch.tool, batch.answer);
}

// A failure is only logged: the errand is then done again at the next start.
void AccountDesk::errands_done(const std::vector<AccountId>& accounts) {
  if (accounts.empty()) return;
  try {
    auto update = directory_.update();
    for (const AccountId id : accounts) update.errand_done(id);
    update.commit();
  } catch (const std::exception& error) {
    on_state_failure(error);
  }
}

void AccountDesk::resume_errands() {
  std::vector<AccountId> removed, made;
  for (const auto& [id, errand] : directory_.view().errands()) {
    if (errand == state::Errand::make_directory) {
      made.push_back(id);
      continue;
    }
    peers_.tell_supervisor(RemoveAccountDirectory{id});
    removed.push_back(id);
  }
  errands_done(removed);
  for (std::span<const AccountId> rest{made}; !rest.empty();
       rest = rest.subspan(std::min(rest.size(), kMaxNewAccounts))) {
    const auto some = rest.first(std::min(rest.size(), kMaxNewAccounts));
    peers_.tell_supervisor(MakeAccountDirectories{{some.begin(), some.end()}});
  }
}

// ---- changing

PolicydToTool AccountDesk::handle(const ChangeAccount& request) {
  auto update = directory_.update();
  auto account = update.account_named(name_of(request.name));
  if (!account) return refused(state::Fault::no_such_account);
  const state::Account before = *account;
  apply(request, *account);
  if (const auto changed = update.change(*account); !changed) return refused(changed.error());
  state::Permissions permissions = update.permissions(account->id);
  apply(request, permissions);
  if (const auto set = update.set_permissions(account->id, permissions); !set) return refused(set.error());
  update.commit();
  log::write("account-changed",
             {{"account", account->name}, {"id", account->id}, {"change", change_words(request)}});
  if (permissions.no_grants) grants_.revoke(account->id, std::nullopt);
  const bool loses_service = (before.services & ~account->services) != 0;
  if (account->disabled && !before.disabled) {
    logins_.account_changed(account->id, LoginRefusal::disabled);
  } else if (loses_service) {
    logins_.account_changed(account->id, LoginRefusal::service_off);
  }
  return Done{};
}

PolicydToTool AccountDesk::handle(const RemoveAccount& request) {
  const std::string name = name_of(request.name);
  auto update = directory_.update();
  const auto id = update.remove(name);
  if (!id) return refused(id.error());
  update.commit();
  log::write("account-removed", {{"account", name}, {"id", *id}});
  logins_.account_changed(*id, LoginRefusal::bad_credentials);
  peers_.tell_supervisor(RemoveAccountDirectory{*id});
  return Done{};
}

PolicydToTool AccountDesk::handle(const SetAlias& request) {
  auto update = directory_.update();
  std::vector<AccountId> accounts;
  for (const std::string& name : request.accounts) {
    const auto account = update.account_named(name_of(name));
    if (!account) return ToolRefused{"there is no account " + name};
    accounts.push_back(account->id);
  }
  const std::string address = address_of(request.address);
  if (const auto set = update.set_alias(address, std::move(accounts)); !set) return refused(set.error());
  update.commit();
  log::write("control-command", {{"tool", "mr-account"}, {"command", "alias " + address}});
  return Done{};
}

// ---- showing

PolicydToTool AccountDesk::handle(const ShowAccount& request) {
  const auto view = directory_.view();
  const auto account = view.account_named(name_of(request.name));
  if (!account) return refused(state::Fault::no_such_account);
  auto addresses = site_.addresses_of(view, *account);
  if (addresses.size() > kMaxAddressesShown) addresses.resize(kMaxAddressesShown);
  state::Permissions permissions = view.permissions(account->id);
  return AccountShown{facts_of(*account), std::move(addresses), !permissions.no_grants,
                      permissions.functional, std::move(permissions.send_as)};
}

PolicydToTool AccountDesk::handle(const ListAccounts& request) {
  const auto accounts = directory_.view().accounts_after(request.after, kPageSize);
  AccountPage page{.accounts = {}, .last = accounts.size() < kPageSize};
  for (const state::Account& account : accounts) page.accounts.push_back(facts_of(account));
  return page;
}

std::vector<std::string> AccountDesk::some_names(const state::View& view,
                                                 const std::vector<AccountId>& accounts) {
  std::vector<std::string> names;
  for (const AccountId id : accounts) {
    if (names.size() == kMaxNamesShown) break;
    if (const auto account = view.account(id)) names.push_back(account->name);
  }
  return names;
}

PolicydToTool AccountDesk::handle(const ListAliases& request) {
  const auto view = directory_.view();
  const auto aliases = view.aliases_after(request.after, kPageSize);
  AliasPage page{.aliases = {}, .last = aliases.size() < kPageSize};
  PageRoom room;
  for (const state::Alias& alias : aliases) {
    AliasFacts row{alias.address, some_names(view, alias.accounts)};
    if (!room.takes(row)) {
      page.last = false;
      break;
    }
    page.aliases.push_back(std::move(row));
  }
  return page;
}

}  // namespace mailroom::policyd
