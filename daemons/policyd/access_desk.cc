#include "daemons/policyd/access_desk.h"

#include <algorithm>
#include <ctime>

#include "daemons/log.h"
#include "daemons/policyd/admission.h"
#include "libcommon/policy/login_name.h"

namespace mailroom::policyd {
namespace {

std::uint32_t hard_limit(std::span<const policy::LimitRow> rows, policy::LimitScope scope,
                         policy::LimitUnit unit, policy::LimitPeriod period) {
  const auto row = std::ranges::find_if(rows, [&](const policy::LimitRow& each) {
    return each.same_place({scope, unit, period});
  });
  return row == rows.end() ? 0 : row->hard;
}

UseRow row_of(const policy::LimitBook::Line& line, std::span<const policy::LimitRow> limits) {
  const auto now = std::chrono::steady_clock::now();
  const auto left =
      std::chrono::ceil<std::chrono::seconds>(line.use.began + policy::length_of(line.period) - now);
  const auto limit = [&](policy::LimitUnit unit) {
    return hard_limit(limits, line.key.scope, unit, line.period);
  };
  return {{line.key.scope, line.key.name},
          line.period,
          line.use.messages,
          line.use.recipients,
          limit(policy::LimitUnit::messages),
          limit(policy::LimitUnit::recipients),
          static_cast<std::uint64_t>(std::time(nullptr) + left.count())};
}

// The sources of a fact, one after the other.
std::string source_of(const Sources& sources, std::string_view fact) {
  std::string words;
  for (const Source& source : sources) {
    if (source.fact != fact) continue;
    if (!words.empty()) words += "; ";
    words += source.words;
  }
  return words;
}

}  // namespace

PolicydToTool AccessDesk::handle(const ListGrants& request) {
  const auto after = request.after
                         ? std::optional{std::pair{request.after->network, AccountId{request.after->account}}}
                         : std::nullopt;
  const auto grants = grants_.grants_after(after, kPageSize);
  const auto view = directory_.view();
  GrantPage page{.grants = {}, .last = grants.size() < kPageSize};
  for (const state::Grant& grant : grants) {
    const auto account = view.account(grant.account);
    page.grants.push_back({{grant.network, grant.account},
                           account ? account->name : "",
                           grant.since,
                           grants_.ends(grant.since)});
  }
  return page;
}

PolicydToTool AccessDesk::handle(const RevokeGrants& request) {
  std::optional<AccountId> id;
  if (!request.account.empty()) {
    const auto account = directory_.view().account_named(
        policy::canonical_login_name(request.account).value_or(request.account));
    if (!account) return ToolRefused{"there is no account " + request.account};
    id = account->id;
  }
  if (!id && !request.network) return ToolRefused{"neither an account nor a network is given"};
  const std::size_t count = grants_.revoke(id, request.network);
  log::write("grant-revoked", {{"account", request.account},
                               {"network", request.network ? request.network->text() : ""},
                               {"grants", count}});
  return GrantsRevoked{static_cast<std::uint32_t>(count)};
}

PolicydToTool AccessDesk::handle(const ListLimits& request) {
  using Key = policy::LimitBook::Key;
  const auto after =
      request.after ? std::optional{Key{request.after->scope, request.after->name}} : std::nullopt;
  const auto lines = limits_.book().lines_after(after, kPageSize, std::chrono::steady_clock::now());
  LimitPage page{.uses = {}, .last = lines.empty()};
  const auto view = directory_.view();
  for (const auto& line : lines) page.uses.push_back(row_of(line, rows_for(view, line.key)));
  return page;
}

std::vector<policy::LimitRow> AccessDesk::rows_for(const state::View& view,
                                                   const policy::LimitBook::Key& key) const {
  std::vector<policy::LimitRow> own;
  if (key.scope == policy::LimitScope::device)
    if (auto device = view.device(key.name)) own = std::move(device->limits);
  return limits_.book().rows_for(key, own);
}

PolicydToTool AccessDesk::handle(const ReleaseLimit& request) {
  if (!limits_.release({request.place.scope, request.place.name}))
    return ToolRefused{"nothing is counted for " + request.place.name};
  log::write("limit-released",
             {{"scope", policy::scope_word(request.place.scope)}, {"name", request.place.name}});
  return Done{};
}

void AccessDesk::explain(const ExplainMail& request, std::function<void(const PolicydToTool&)> answer) {
  if (request.listener != Service::relay) return answer(explained(request, {}));
  names_.find(request.client,
              [this, request, answer = std::move(answer)](const policy::ReverseNameFound& name) {
                answer(explained(request, name));
              });
}

std::expected<AccessDesk::Identity, ToolRefused> AccessDesk::identity_of(const ExplainMail& request) {
  Identity identity;
  const std::string login = policy::canonical_login_name(request.login).value_or(request.login);
  if (login.empty()) return identity;
  const auto view = directory_.view();
  if (request.listener == Service::relay) {
    if (!view.device_of_principal(login))
      return std::unexpected(ToolRefused{"no device is registered with the principal " + request.login});
    identity.principal = login;
    return identity;
  }
  const auto account = view.account_named(login);
  if (!account) return std::unexpected(ToolRefused{"there is no account " + request.login});
  identity.account = account->id;
  if (const auto admitted = admit_account(view, request.listener, login); !admitted)
    identity.refused = admitted.error();
  return identity;
}

PolicydToTool AccessDesk::explained(const ExplainMail& request, const policy::ReverseNameFound& name) try {
  if (!is_smtp(request.listener)) return ToolRefused{"not an SMTP listener"};
  const auto identity = identity_of(request);
  if (!identity) return identity.error();
  const Question question{.stage = request.stage,
                          .listener = listener_of(request.listener),
                          .client = request.client,
                          .login = identity->account,
                          .principal = identity->principal,
                          .reverse_name = name,
                          .reverse_path = request.sender,
                          .forward_path = request.recipient};
  Sources sources;
  const Judgement judgement = judge_.judge(question, &sources);
  const policy::Verdict& verdict = judgement.verdict;
  MailExplained answer{.accepted = verdict.action == policy::Action::accept,
                       .reply = {verdict.code, verdict.enhanced, verdict.text},
                       .rule = std::string{verdict.rule},
                       .when = {},
                       .facts = {},
                       .submitter = judgement.submitter,
                       .authors = judgement.authors,
                       .quirks = judge_.device_quirks(question),
                       .login_refused = identity->refused};
  if (const policy::Rule* rule = policy::find_rule(verdict.rule)) answer.when = rule->when;
  for (const policy::FactWord& fact : policy::words_of(judgement.facts))
    answer.facts.push_back({std::string{fact.name}, std::string{fact.value}, source_of(sources, fact.name)});
  return answer;
} catch (const std::exception& error) {
  log::write("state-failed", {{"reason", error.what()}});
  return ToolRefused{std::string("the shared state cannot be read: ") + error.what()};
}

}  // namespace mailroom::policyd
